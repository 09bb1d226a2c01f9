//! Creates and attaches mounts.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};

use super::step::{StepContext, StepError};

pub(super) const NO_PRIVILEGES: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

pub(super) const READ_ONLY: MountAttrFlags = NO_PRIVILEGES.union(MountAttrFlags::MOUNT_ATTR_RDONLY);

/// Creates a file system with these options, as a mount that is not attached yet.
pub(super) fn new_mount(
    kind: &str,
    options: &[(&str, String)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd, Errno> {
    let file_system = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        fsconfig_set_string(file_system.as_fd(), *key, value)?;
    }
    fsconfig_create(file_system.as_fd())?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    fsmount(file_system.as_fd(), flags, attributes)
}

/// Copies a mount, with those below it where asked for, as one that is not attached yet.
pub(super) fn copy_mount(
    folder: impl AsFd,
    path: &Path,
    flags: OpenTreeFlags,
) -> Result<OwnedFd, Errno> {
    let copy = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    open_tree(folder, path, copy | flags)
}

pub(super) fn attach(mount: impl AsFd, folder: impl AsFd, target: &Path) -> Result<(), Errno> {
    move_mount(
        mount,
        "",
        folder,
        target,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
}

pub(super) fn write_file(root: &OwnedFd, file: &Path, content: &str) -> Result<(), StepError> {
    let step = "write a settings file";
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(root, file, flags, Mode::from(0o644)).step(step)?;
    rustix::io::write(&file, content.as_bytes()).step(step)?;
    Ok(())
}
