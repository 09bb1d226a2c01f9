//! The file system of a sandbox: a small file system in memory, read-only parts of the machine, and little else.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, mkdirat, mknodat, open, openat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    mount_change, move_mount, open_tree, unmount,
};
use rustix::process::{chdir, fchdir, pivot_root};

use super::kernel_calls::{Recursive, set_mount_attributes};
use super::step::{Named, StepError};
use crate::protocol::{BOX, INSIDE_ID, OrderLimits, SYSTEM_FOLDERS};

/// Where the new root is mounted before it becomes the root: any folder that every machine has would do.
const NEW_ROOT: &str = "/usr";

/// What programs need to know of the machine's settings: where libraries are, and which of several tools is meant.
const SETTINGS: [&str; 2] = ["/etc/ld.so.cache", "/etc/alternatives"];

const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// Settings that are the same in every sandbox and say nothing of the machine.
const SYNTHETIC_FILES: [(&str, &str); 4] = [
    (
        "etc/passwd",
        "root:x:0:0:root:/:/usr/sbin/nologin\nsandbox:x:1000:1000:sandbox:/box:/bin/sh\n",
    ),
    ("etc/group", "root:x:0:\nsandbox:x:1000:\n"),
    ("etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"),
    (
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files\n",
    ),
];

const LINKS: [(&str, &str); 4] = [
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
];

/// What a program may write to; all of them share the limit of the disk.
const WRITABLE: [(&str, u32); 3] = [("box", 0o755), ("tmp", 0o1777), ("dev/shm", 0o1777)];

/// Parts of the machine that will be seen in the sandbox, opened while its user could still reach them.
#[derive(Debug)]
pub(super) struct Sources {
    folders: Vec<Source>,
    files: Vec<Source>,
    links: Vec<(PathBuf, PathBuf)>,
}

#[derive(Debug)]
struct Source {
    /// Where it will be, relative to the root.
    target: PathBuf,
    mount: OwnedFd,
}

impl Sources {
    /// Opens the system's own folders and those of the order, as copies that are read-only with all that is below.
    pub(super) fn open(visible: &[PathBuf]) -> Result<Self, StepError> {
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )
        .named("detach from the machine's mounts")?;
        let mut sources = Self {
            folders: Vec::new(),
            files: Vec::new(),
            links: Vec::new(),
        };
        for folder in SYSTEM_FOLDERS {
            sources.add_system_folder(Path::new(folder))?;
        }
        for path in visible {
            sources.add(path)?;
        }
        for setting in SETTINGS.map(Path::new) {
            // Not every machine has all of them.
            if setting.exists() {
                sources.add(setting)?;
            }
        }
        for device in DEVICES {
            sources.files.push(Source::open(Path::new(device), DEVICE)?);
        }
        Ok(sources)
    }

    fn add(&mut self, path: &Path) -> Result<(), StepError> {
        let source = Source::open(path, READ_ONLY)?;
        if path.is_dir() {
            self.folders.push(source);
        } else {
            self.files.push(source);
        }
        Ok(())
    }

    fn add_system_folder(&mut self, folder: &Path) -> Result<(), StepError> {
        match std::fs::read_link(folder) {
            Ok(to) => self.links.push((to, relative(folder))),
            Err(_) if folder.is_dir() => self.folders.push(Source::open(folder, READ_ONLY)?),
            // Not every machine has all of them.
            Err(_) => {}
        }
        Ok(())
    }

    /// Builds the root around the sources and moves into it.
    pub(super) fn build(self, limits: &OrderLimits) -> Result<(), StepError> {
        let root = new_root(limits)?;
        for folder in &self.folders {
            make_folders(&root, &folder.target)?;
        }
        for folder in ["etc", "proc", "dev"] {
            make_folders(&root, Path::new(folder))?;
        }
        for file in &self.files {
            make_folders(&root, file.target.parent().unwrap_or(Path::new("")))?;
            mknodat(
                &root,
                &file.target,
                FileType::RegularFile,
                Mode::from(0o644),
                0,
            )
            .named("create a file")?;
        }
        for source in self.folders.iter().chain(&self.files) {
            attach(&source.mount, &root, &source.target).named("mount a part of the machine")?;
        }
        for (to, link) in &self.links {
            symlinkat(to, &root, link).named("link a system folder")?;
        }
        for (to, link) in LINKS {
            symlinkat(to, &root, link).named("link a device")?;
        }
        for (file, content) in SYNTHETIC_FILES {
            write_file(&root, Path::new(file), content)?;
        }
        make_writable_folders(&root)?;
        mount_proc(&root)?;
        enter(&root)
    }
}

impl Source {
    fn open(path: &Path, attributes: u64) -> Result<Self, StepError> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE;
        let mount = open_tree(CWD, path, flags).named("open a part of the machine")?;
        set_mount_attributes(mount.as_fd(), attributes, Recursive::Yes)
            .named("make a part of the machine read-only")?;
        Ok(Self {
            target: relative(path),
            mount,
        })
    }
}

const NO_PRIVILEGES: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

const READ_ONLY: u64 = NO_PRIVILEGES
    .union(MountAttrFlags::MOUNT_ATTR_RDONLY)
    .bits() as u64;

/// A device that is bound must stay one.
const DEVICE: u64 = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC)
    .bits() as u64;

fn relative(path: &Path) -> PathBuf {
    path.strip_prefix("/").unwrap_or(path).to_owned()
}

/// Mounts the file system in memory that holds the root and all that the program writes.
fn new_root(limits: &OrderLimits) -> Result<OwnedFd, StepError> {
    let step = "mount the root";
    let size_bytes = limits.disk_bytes.saturating_add(ROOT_BYTES);
    let inodes = (limits.disk_bytes / BYTES_PER_INODE).max(INODES_MIN);
    let file_system = fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).named(step)?;
    for (key, value) in [
        ("size", size_bytes),
        ("nr_inodes", inodes),
        ("uid", INSIDE_ID.into()),
        ("gid", INSIDE_ID.into()),
    ] {
        fsconfig_set_string(file_system.as_fd(), key, value.to_string()).named(step)?;
    }
    fsconfig_set_string(file_system.as_fd(), "mode", "0755").named(step)?;
    fsconfig_create(file_system.as_fd()).named(step)?;
    let mount = fsmount(
        file_system.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        NO_PRIVILEGES,
    )
    .named(step)?;
    attach(&mount, CWD, Path::new(NEW_ROOT)).named(step)?;
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    open(NEW_ROOT, flags, Mode::empty()).named(step)
}

/// What the root itself needs beside the disk limit.
const ROOT_BYTES: u64 = 256 * 1024;
/// One inode for each so many bytes of disk.
const BYTES_PER_INODE: u64 = 4096;
const INODES_MIN: u64 = 1024;

fn attach(mount: impl AsFd, folder: impl AsFd, target: &Path) -> Result<(), Errno> {
    move_mount(
        mount,
        "",
        folder,
        target,
        MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH,
    )
}

/// Creates a folder with all above it.
fn make_folders(root: &OwnedFd, folder: &Path) -> Result<(), StepError> {
    if folder.as_os_str().is_empty() {
        return Ok(());
    }
    let create = || mkdirat(root, folder, Mode::from(0o755));
    let created = match (create(), folder.parent()) {
        (Err(Errno::NOENT), Some(above)) => {
            make_folders(root, above)?;
            create()
        }
        (answer, _) => answer,
    };
    match created {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno).named("create a folder"),
    }
}

fn write_file(root: &OwnedFd, file: &Path, content: &str) -> Result<(), StepError> {
    let step = "write a settings file";
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(root, file, flags, Mode::from(0o644)).named(step)?;
    rustix::io::write(&file, content.as_bytes()).named(step)?;
    Ok(())
}

/// Makes the folders that stay writable when the root no longer is: mounts of their own of the same file system.
fn make_writable_folders(root: &OwnedFd) -> Result<(), StepError> {
    let step = "mount a writable folder";
    for (folder, mode) in WRITABLE {
        mkdirat(root, folder, Mode::from(mode)).named(step)?;
        rustix::fs::chmodat(root, folder, Mode::from(mode), rustix::fs::AtFlags::empty())
            .named(step)?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let mount = open_tree(root, folder, flags).named(step)?;
        attach(&mount, root, Path::new(folder)).named(step)?;
    }
    Ok(())
}

/// Mounts the processes of the sandbox, and nothing else that the kernel tells there.
///
/// It must come before the old root is gone: the kernel allows it only where a whole `/proc` is in sight.
fn mount_proc(root: &OwnedFd) -> Result<(), StepError> {
    let step = "mount the process file system";
    let file_system = fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC).named(step)?;
    fsconfig_set_string(file_system.as_fd(), "hidepid", "invisible").named(step)?;
    fsconfig_set_string(file_system.as_fd(), "subset", "pid").named(step)?;
    fsconfig_create(file_system.as_fd()).named(step)?;
    let attributes =
        NO_PRIVILEGES | MountAttrFlags::MOUNT_ATTR_NOEXEC | MountAttrFlags::MOUNT_ATTR_RDONLY;
    let mount = fsmount(
        file_system.as_fd(),
        FsMountFlags::FSMOUNT_CLOEXEC,
        attributes,
    )
    .named(step)?;
    attach(&mount, root, Path::new("proc")).named(step)
}

/// Makes the new root the only one there is, and read-only.
fn enter(root: &OwnedFd) -> Result<(), StepError> {
    let step = "enter the new root";
    fchdir(root).named(step)?;
    pivot_root(".", ".").named(step)?;
    // The old root now lies over the new one at the same place.
    unmount(".", UnmountFlags::DETACH).named(step)?;
    chdir("/").named(step)?;
    make_read_only(
        open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .named(step)?
            .as_fd(),
    )?;
    chdir(BOX).named(step)
}

fn make_read_only(root: BorrowedFd<'_>) -> Result<(), StepError> {
    set_mount_attributes(root, READ_ONLY, Recursive::No).named("make the root read-only")
}
