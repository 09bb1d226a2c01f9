//! Builds the file system of a sandbox: a small one in memory, read-only parts of the machine, and little else.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, mkdirat, mknodat, open, openat, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountPropagationFlags, MoveMountFlags,
    OpenTreeFlags, UnmountFlags, fsconfig_create, fsconfig_set_string, fsmount, fsopen,
    mount_change, move_mount, open_tree, unmount,
};
use rustix::process::{chdir, fchdir, pivot_root};

use super::files::make_folders;
use super::kernel_calls::set_mount_attributes;
use super::machine_files::RunFiles;
use super::proc;
use super::step::{StepContext, StepError};
use crate::protocol::{BOX, INSIDE_ID, KernelLimits, SYSTEM_FOLDERS};

/// Where the new root is mounted before it becomes the root: any folder that every machine has would do.
pub(super) const NEW_ROOT: &str = "/usr";

/// The machine's settings that programs need: where libraries are, which of several tools is the default, and where fonts are.
const SETTINGS: [&str; 3] = ["/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts"];

const DEVICES: [&str; 5] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// Settings that are the same in every sandbox and reveal nothing about the machine.
const SYNTHETIC_FILES: [(&str, &str); 6] = [
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
    (
        "etc/protocols",
        "ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\n",
    ),
    (
        "etc/services",
        "ftp 21/tcp\nssh 22/tcp\ntelnet 23/tcp\nsmtp 25/tcp\ndomain 53/tcp\ndomain 53/udp\nhttp 80/tcp\npop3 110/tcp\n\
        ntp 123/udp\nimap2 143/tcp\nhttps 443/tcp\n",
    ),
];

/// The folder in which libraries count processors.
const PROCESSORS: &str = "sys/devices/system/cpu";

/// The folders of the root's own.
const FOLDERS: [&str; 4] = ["etc", "proc", "dev", PROCESSORS];

const LINKS: [(&str, &str); 6] = [
    ("/usr/share/zoneinfo/Etc/UTC", "etc/localtime"),
    ("/usr/lib/os-release", "etc/os-release"),
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
];

/// The folders that a program may write to; together they share the disk limit.
const WRITABLE: [(&str, u32); 3] = [("box", 0o755), ("tmp", 0o1777), ("dev/shm", 0o1777)];

/// Mounts of the parts of the machine that the sandbox shows, opened while its user can still reach them.
#[derive(Debug)]
pub(super) struct DetachedMounts {
    folders: Vec<DetachedMount>,
    files: Vec<DetachedMount>,
    links: Vec<(PathBuf, PathBuf)>,
}

#[derive(Debug)]
struct DetachedMount {
    /// Its place in the sandbox, relative to the root.
    target: PathBuf,
    descriptor: OwnedFd,
}

impl DetachedMounts {
    /// Opens the system's own folders and those of the specification, as recursively read-only copies.
    pub(super) fn open(visible: &[PathBuf]) -> Result<Self, StepError> {
        mount_change(
            "/",
            MountPropagationFlags::PRIVATE | MountPropagationFlags::REC,
        )
        .step("detach from the machine's mounts")?;
        let mut mounts = Self {
            folders: Vec::new(),
            files: Vec::new(),
            links: Vec::new(),
        };
        for folder in SYSTEM_FOLDERS {
            mounts.add_system_folder(Path::new(folder))?;
        }
        for path in visible {
            mounts.add(path)?;
        }
        for setting in SETTINGS.map(Path::new) {
            // Not every machine has all of them.
            if setting.exists() {
                mounts.add(setting)?;
            }
        }
        for device in DEVICES {
            mounts
                .files
                .push(DetachedMount::open(Path::new(device), DEVICE)?);
        }
        Ok(mounts)
    }

    fn add(&mut self, path: &Path) -> Result<(), StepError> {
        let mount = DetachedMount::open(path, READ_ONLY)?;
        if path.is_dir() {
            self.folders.push(mount);
        } else {
            self.files.push(mount);
        }
        Ok(())
    }

    fn add_system_folder(&mut self, folder: &Path) -> Result<(), StepError> {
        match std::fs::read_link(folder) {
            Ok(to) => self.links.push((to, relative(folder))),
            Err(_) if folder.is_dir() => self.folders.push(DetachedMount::open(folder, READ_ONLY)?),
            // Not every machine has all of them.
            Err(_) => {}
        }
        Ok(())
    }

    /// Builds the root around the mounts and moves into it.
    pub(super) fn build(
        self,
        limits: &KernelLimits,
        files: &RunFiles,
        closed: &[String],
    ) -> Result<(), StepError> {
        let root = new_root(limits, files)?;
        for folder in FOLDERS {
            make_folders(&root, Path::new(folder))?;
        }
        for folder in &self.folders {
            make_folders(&root, &folder.target)?;
        }
        for file in &self.files {
            let folder = file.target.parent().unwrap_or(Path::new(""));
            if !FOLDERS.iter().any(|made| folder == Path::new(made)) {
                make_folders(&root, folder)?;
            }
            mknodat(
                &root,
                &file.target,
                FileType::RegularFile,
                Mode::from(0o644),
                0,
            )
            .step("create a file")?;
        }
        for mount in self.folders.iter().chain(&self.files) {
            attach(&mount.descriptor, &root, &mount.target).step("mount a part of the machine")?;
        }
        for (to, link) in &self.links {
            symlinkat(to, &root, link).step("link a system folder")?;
        }
        for (to, link) in LINKS {
            symlinkat(to, &root, link).step("make a link")?;
        }
        for (file, content) in SYNTHETIC_FILES {
            write_file(&root, Path::new(file), content)?;
        }
        for (file, content) in &files.cpu {
            write_file(&root, &Path::new(PROCESSORS).join(file), content)?;
        }
        make_writable_folders(&root)?;
        proc::mount(&root, files, closed)?;
        enter(&root)
    }
}

impl DetachedMount {
    fn open(path: &Path, attributes: u64) -> Result<Self, StepError> {
        let flags = OpenTreeFlags::OPEN_TREE_CLONE
            | OpenTreeFlags::OPEN_TREE_CLOEXEC
            | OpenTreeFlags::AT_RECURSIVE;
        let mount = open_tree(CWD, path, flags).step("open a part of the machine")?;
        set_mount_attributes(mount.as_fd(), attributes, libc::AT_RECURSIVE)
            .step("make a part of the machine read-only")?;
        Ok(Self {
            target: relative(path),
            descriptor: mount,
        })
    }
}

pub(super) const NO_PRIVILEGES: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NODEV);

const READ_ONLY: u64 = NO_PRIVILEGES
    .union(MountAttrFlags::MOUNT_ATTR_RDONLY)
    .bits() as u64;

/// Devices keep their function: they are mounted without `nodev`.
const DEVICE: u64 = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC)
    .bits() as u64;

fn relative(path: &Path) -> PathBuf {
    path.strip_prefix("/").unwrap_or(path).to_owned()
}

/// Mounts the file system in memory that holds the root and all that the program writes.
fn new_root(limits: &KernelLimits, files: &RunFiles) -> Result<OwnedFd, StepError> {
    let step = "mount the root";
    let own_bytes = ROOT_BYTES.saturating_add(files.size_bytes());
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
    attach(&mount, CWD, Path::new(NEW_ROOT)).step(step)?;
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    open(NEW_ROOT, flags, Mode::empty()).step(step)
}

/// The size of the root itself, beside the disk limit.
const ROOT_BYTES: u64 = 256 * 1024;
/// The number of bytes of disk for each inode.
const BYTES_PER_INODE: u64 = 4096;
const INODES_MIN: u64 = 1024;

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

/// Mounts the folders that stay writable when the root becomes read-only. They are of the same file system.
fn make_writable_folders(root: &OwnedFd) -> Result<(), StepError> {
    let step = "mount a writable folder";
    for (folder, mode) in WRITABLE {
        mkdirat(root, folder, Mode::from(mode)).step(step)?;
        rustix::fs::chmodat(root, folder, Mode::from(mode), rustix::fs::AtFlags::empty())
            .step(step)?;
        let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
        let mount = open_tree(root, folder, flags).step(step)?;
        attach(&mount, root, Path::new(folder)).step(step)?;
    }
    Ok(())
}

/// Makes the new root the only root, and read-only.
fn enter(root: &OwnedFd) -> Result<(), StepError> {
    let step = "enter the new root";
    fchdir(root).step(step)?;
    pivot_root(".", ".").step(step)?;
    // The old root is now mounted over the new one.
    unmount(".", UnmountFlags::DETACH).step(step)?;
    chdir("/").step(step)?;
    let root = open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).step(step)?;
    set_mount_attributes(root.as_fd(), READ_ONLY, 0).step("make the root read-only")?;
    chdir(BOX).step(step)
}
