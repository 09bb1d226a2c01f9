//! Builds the root that all sandboxes share: read-only parts of the machine, and settings that say nothing of it.
//!
//! The launcher makes it its own root, once. Every sandbox then begins with a copy of the launcher's mounts, which costs
//! little, and in which nothing else of the machine is.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open, symlinkat};
use rustix::io::Errno;
use rustix::mount::{
    MountAttrFlags, MountPropagationFlags, OpenTreeFlags, UnmountFlags, mount_change, unmount,
};
use rustix::process::{chdir, fchdir, pivot_root};

use super::files::make_folders;
use super::kernel_calls::{self, CloneSide, set_mount_attributes};
use super::machine_files::MachineFile;
use super::mounts::{NO_PRIVILEGES, READ_ONLY, attach, copy_mount, new_mount, write_file};
use super::root::WRITABLE;
use super::step::{StepContext, StepError};
use crate::protocol::{SETTINGS, SYSTEM_FOLDERS};

/// Where the new root is mounted before it becomes the root: any folder that every machine has would do.
const NEW_ROOT: &str = "/usr";

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

/// The folders of the root's own, beside those in which each sandbox mounts its own.
const FOLDERS: [&str; 4] = ["etc", "proc", "dev", PROCESSORS];

const LINKS: [(&str, &str); 6] = [
    ("/usr/share/zoneinfo/Etc/UTC", "etc/localtime"),
    ("/usr/lib/os-release", "etc/os-release"),
    ("/proc/self/fd", "dev/fd"),
    ("/proc/self/fd/0", "dev/stdin"),
    ("/proc/self/fd/1", "dev/stdout"),
    ("/proc/self/fd/2", "dev/stderr"),
];

/// Builds the root and makes it the only one of this process, which needs mounts of its own.
///
/// `toolchains` are folders and files of the machine that are visible at the same place; those that are gone are left out.
pub(super) fn enter(toolchains: &[PathBuf], processors: &[MachineFile]) -> Result<(), StepError> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).step("detach from the machine's mounts")?;
    // Copied before the root is mounted over one of them.
    let parts = Parts::copy(toolchains)?;
    let root = new_root()?;
    for folder in FOLDERS.into_iter().chain(WRITABLE.map(|it| it.mount_point)) {
        make_folders(&root, Path::new(folder))?;
    }
    parts.attach(&root)?;
    for (to, link) in LINKS {
        is_new(symlinkat(to, &root, link).step("make a link"))?;
    }
    for (file, content) in SYNTHETIC_FILES {
        is_new(write_file(&root, Path::new(file), content))?;
    }
    for (file, content) in processors {
        write_file(&root, &Path::new(PROCESSORS).join(file), content)?;
    }
    mount_proc_without_processes(&root)?;
    make_only_root(&root)
}

/// Copies of those parts of the machine that sandboxes show.
#[derive(Debug, Default)]
struct Parts {
    folders: Vec<Part>,
    files: Vec<Part>,
    links: Vec<(PathBuf, PathBuf)>,
}

#[derive(Debug)]
struct Part {
    /// Its place, relative to the root.
    target: PathBuf,
    mount: OwnedFd,
}

impl Parts {
    fn copy(toolchains: &[PathBuf]) -> Result<Self, StepError> {
        let mut parts = Self::default();
        for folder in SYSTEM_FOLDERS.map(Path::new) {
            match std::fs::read_link(folder) {
                Ok(to) => parts.links.push((to, relative(folder))),
                Err(_) => parts.add(folder)?,
            }
        }
        for path in SETTINGS.iter().map(Path::new) {
            parts.add(path)?;
        }
        for path in toolchains {
            parts.add(path)?;
        }
        for device in DEVICES {
            parts.files.push(Part::copy(Path::new(device), DEVICE)?);
        }
        Ok(parts)
    }

    /// Adds what not every machine has.
    fn add(&mut self, path: &Path) -> Result<(), StepError> {
        if path.is_dir() {
            self.folders.push(Part::copy(path, READ_ONLY)?);
        } else if path.exists() {
            self.files.push(Part::copy(path, READ_ONLY)?);
        }
        Ok(())
    }

    fn attach(self, root: &OwnedFd) -> Result<(), StepError> {
        for (to, link) in self.links {
            symlinkat(to, root, link).step("link a system folder")?;
        }
        for folder in self.folders {
            make_folders(root, &folder.target)?;
            folder.attach(root)?;
        }
        for file in self.files {
            make_folders(root, file.target.parent().unwrap_or(Path::new("")))?;
            let (kind, mode) = (FileType::RegularFile, Mode::from(0o644));
            if is_new(mknodat(root, &file.target, kind, mode, 0).step("create a file"))? {
                file.attach(root)?;
            }
        }
        Ok(())
    }
}

impl Part {
    fn copy(path: &Path, attributes: MountAttrFlags) -> Result<Self, StepError> {
        let mount = copy_mount(CWD, path, OpenTreeFlags::AT_RECURSIVE)
            .step("open a part of the machine")?;
        set_mount_attributes(mount.as_fd(), attributes, libc::AT_RECURSIVE)
            .step("make a part of the machine read-only")?;
        Ok(Self {
            target: relative(path),
            mount,
        })
    }

    fn attach(&self, root: &OwnedFd) -> Result<(), StepError> {
        attach(&self.mount, root, &self.target).step("mount a part of the machine")
    }
}

/// Devices keep their function: they are mounted without `nodev`. A read-only mount protects the machine's file, such as its
/// times, and programs write to the device all the same.
const DEVICE: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_RDONLY
    .union(MountAttrFlags::MOUNT_ATTR_NOSUID)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Whether something was created; not if it is there already, as where a toolchain needs a file of those that all sandboxes have.
fn is_new(created: Result<(), StepError>) -> Result<bool, StepError> {
    match created {
        Err(error) if error.errno == Errno::EXIST => Ok(false),
        created => created.map(|()| true),
    }
}

fn relative(path: &Path) -> PathBuf {
    path.strip_prefix("/").unwrap_or(path).to_owned()
}

/// Mounts the file system in memory that holds the root.
fn new_root() -> Result<OwnedFd, StepError> {
    let step = "mount the root";
    let options = [("size", "1m".to_owned()), ("mode", "0755".to_owned())];
    let mount = new_mount("tmpfs", &options, NO_PRIVILEGES).step(step)?;
    attach(&mount, CWD, Path::new(NEW_ROOT)).step(step)?;
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    open(NEW_ROOT, flags, Mode::empty()).step(step)
}

/// Mounts the `/proc` of a process namespace whose processes are gone.
///
/// The kernel lets a sandbox mount its own only where one is in sight that nothing covers: this one shows no process.
fn mount_proc_without_processes(root: &OwnedFd) -> Result<(), StepError> {
    let step = "mount the process file system";
    let attributes = READ_ONLY | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let cloned = kernel_calls::clone_process(libc::CLONE_NEWPID, None);
    let pidfd = match cloned.step("create a process namespace")? {
        CloneSide::Parent(_, pidfd) => pidfd,
        CloneSide::Child => {
            let mounted = new_mount("proc", &[], attributes)
                .and_then(|mount| attach(mount, root, Path::new("proc")));
            kernel_calls::exit_with(mounted);
        }
    };
    kernel_calls::wait_for_success(pidfd.as_fd()).step(step)
}

fn make_only_root(root: &OwnedFd) -> Result<(), StepError> {
    let step = "enter the new root";
    fchdir(root).step(step)?;
    pivot_root(".", ".").step(step)?;
    // The old root is now mounted over the new one.
    unmount(".", UnmountFlags::DETACH).step(step)?;
    chdir("/").step(step)?;
    let root = open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).step(step)?;
    set_mount_attributes(root.as_fd(), READ_ONLY, 0).step("make the root read-only")
}
