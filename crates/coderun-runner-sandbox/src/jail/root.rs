//! Adds to the shared root what each sandbox has of its own: folders that can be written to, and `/proc`.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, chmodat, fstat, mkdirat, mknodat, open};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, OpenTreeFlags};
use rustix::process::chdir;

use super::files::make_folders;
use super::kernel_calls::set_mount_attributes;
use super::machine_files::MachineFile;
use super::mounts::{NO_PRIVILEGES, READ_ONLY, attach, copy_mount, new_mount};
use super::proc;
use super::step::{StepContext, StepError};
use crate::protocol::{BOX, INSIDE_ID, KernelLimits};

/// A folder that the program may write to.
#[derive(Debug, Clone, Copy)]
pub(super) struct WritableFolder {
    /// Its place, relative to the root.
    pub(super) mount_point: &'static str,
    /// Its name in the file system of the sandbox.
    name: &'static str,
    mode: u32,
}

/// The folders that the program may write to; together they share the disk limit.
pub(super) const WRITABLE: [WritableFolder; 3] = [
    WritableFolder {
        mount_point: "box",
        name: "box",
        mode: 0o755,
    },
    WritableFolder {
        mount_point: "tmp",
        name: "tmp",
        mode: 0o1777,
    },
    WritableFolder {
        mount_point: "dev/shm",
        name: "shm",
        mode: 0o1777,
    },
];

/// Mounts the folders that the program may write to, and goes to its box. Returns the file system that they are in.
pub(super) fn mount_writable_folders(
    limits: &KernelLimits,
    files: &[MachineFile],
    covered: &[PathBuf],
) -> Result<OwnedFd, StepError> {
    let own = own_files(limits, files)?;
    let covered = copy_covered(covered)?;
    for folder in WRITABLE {
        folder.mount(&own)?;
    }
    for (path, mount) in covered {
        show_again(path, &mount)?;
    }
    chdir(BOX).step("enter the box")?;
    Ok(own)
}

/// Mounts `/proc` with these files.
pub(super) fn mount_proc(
    own: &OwnedFd,
    files: &[MachineFile],
    closed: &[String],
) -> Result<(), StepError> {
    proc::write_covers(own, files)?;
    let read_only = READ_ONLY | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    set_mount_attributes(own.as_fd(), read_only, 0).step("make the files of `/proc` read-only")?;
    proc::mount(own, files, closed)
}

/// The toolchains that the sandbox's own folder for temporary files covers.
pub(super) fn covered(toolchains: &[PathBuf]) -> Vec<PathBuf> {
    let below = toolchains.iter().filter(|path| path.starts_with(TEMPORARY));
    below.filter(|path| path.exists()).cloned().collect()
}

const TEMPORARY: &str = "/tmp";

fn copy_covered(paths: &[PathBuf]) -> Result<Vec<(&Path, OwnedFd)>, StepError> {
    let copy = |path| copy_mount(CWD, path, OpenTreeFlags::AT_RECURSIVE);
    let copies = paths
        .iter()
        .map(|path| Ok((path.as_path(), copy(path).step("copy a toolchain")?)));
    copies.collect()
}

/// Mounts a toolchain over the folder for temporary files that covered it.
fn show_again(path: &Path, mount: &OwnedFd) -> Result<(), StepError> {
    let step = "show a toolchain";
    let root = open(
        "/",
        OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
    );
    let (root, target) = (root.step(step)?, path.strip_prefix("/").unwrap_or(path));
    let is_folder = fstat(mount)
        .is_ok_and(|status| FileType::from_raw_mode(status.st_mode) == FileType::Directory);
    if is_folder {
        make_folders(&root, target)?;
    } else {
        make_folders(&root, target.parent().unwrap_or(target))?;
        mknodat(&root, target, FileType::RegularFile, Mode::from(0o644), 0).step(step)?;
    }
    match attach(mount, CWD, path) {
        // It was removed since the launcher began: only programs that need it are to fail.
        Err(Errno::NOENT) => Ok(()),
        answer => answer.step(step),
    }
}

/// Mounts the file system in memory that holds all files of the sandbox. Its own mount ends up below that of the box.
fn own_files(limits: &KernelLimits, files: &[MachineFile]) -> Result<OwnedFd, StepError> {
    let step = "mount the sandbox's own files";
    let covers_bytes: usize = files.iter().map(|(_, content)| content.len()).sum();
    let own_bytes = OWN_BYTES.saturating_add(u64::try_from(covers_bytes).unwrap_or(u64::MAX));
    let size_bytes = limits.disk_bytes.saturating_add(own_bytes);
    let inodes = (limits.disk_bytes / BYTES_PER_INODE).max(INODES_MIN);
    let options = [
        ("size", size_bytes.to_string()),
        ("nr_inodes", inodes.to_string()),
        ("uid", INSIDE_ID.to_string()),
        ("gid", INSIDE_ID.to_string()),
        ("mode", "0755".to_owned()),
    ];
    let mount = new_mount("tmpfs", &options, NO_PRIVILEGES).step(step)?;
    attach(&mount, CWD, Path::new(BOX)).step(step)?;
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    open(BOX, flags, Mode::empty()).step(step)
}

/// The size of what is not the program's, beside the disk limit.
const OWN_BYTES: u64 = 256 * 1024;
/// The number of bytes of disk for each inode.
const BYTES_PER_INODE: u64 = 4096;
const INODES_MIN: u64 = 1024;

impl WritableFolder {
    fn mount(self, own: &OwnedFd) -> Result<(), StepError> {
        let step = "mount a writable folder";
        let mode = Mode::from(self.mode);
        mkdirat(own, self.name, mode).step(step)?;
        chmodat(own, self.name, mode, AtFlags::empty()).step(step)?;
        let path = Path::new(self.name);
        let mount = copy_mount(own, path, OpenTreeFlags::empty()).step(step)?;
        attach(&mount, CWD, &Path::new("/").join(self.mount_point)).step(step)
    }
}
