//! Mounts `/proc`: the processes of the sandbox, a few files that tell of the run, and nothing of the machine.
//!
//! The kernel's files tell of the machine, to every process alike. So all of them are covered, each by a file or folder of
//! the sandbox's own file system. What a kernel or a module adds is covered too, since the list is read from the mount.

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, mkdirat, mknodat, openat};
use rustix::mount::{MountAttrFlags, mount_bind};
use rustix::process::fchdir;

use super::machine_files::MachineFile;
use super::mounts::{READ_ONLY, attach, new_mount, write_file};
use super::step::{StepContext, StepError};

/// The kernel's files that stay: they tell of the kernel itself, no more than its version does.
const KEPT: [&str; 9] = [
    "config.gz",
    "consoles",
    "crypto",
    "devices",
    "dma",
    "execdomains",
    "filesystems",
    "misc",
    "version",
];

/// What covers a file and a folder: their names in the covered folder.
const NO_FILE: &str = "no-file";
const NO_FOLDER: &str = "no-folder";

/// Writes the files that cover the kernel's into a folder.
pub(super) fn write_covers(folder: &OwnedFd, files: &[MachineFile]) -> Result<(), StepError> {
    let step = "make the files of `/proc`";
    for (name, content) in files {
        write_file(folder, Path::new(name), content)?;
    }
    mknodat(folder, NO_FILE, FileType::RegularFile, Mode::empty(), 0).step(step)?;
    mkdirat(folder, NO_FOLDER, Mode::from(0o555)).step(step)
}

/// Mounts `/proc`, and covers the kernel's files by those of a folder, whose mount is read-only. It is the working folder
/// afterwards.
pub(super) fn mount(
    covers: &OwnedFd,
    files: &[MachineFile],
    closed: &[String],
) -> Result<(), StepError> {
    let step = "mount the process file system";
    let options = [("hidepid", "invisible".to_owned())];
    let attributes = READ_ONLY | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    let mount = new_mount("proc", &options, attributes).step(step)?;
    attach(&mount, CWD, Path::new("/proc")).step(step)?;
    fchdir(covers).step(step)?;
    let step = "cover a file of the machine";
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(&mount, ".", flags, Mode::empty()).step(step)?;
    for entry in Dir::new(folder).step(step)? {
        let entry = entry.step(step)?;
        let name = entry.file_name().to_string_lossy();
        if let Some(cover) = cover(&name, entry.file_type(), files, closed) {
            mount_bind(cover, Path::new("/proc").join(&*name)).step(step)?;
        }
    }
    Ok(())
}

/// What an entry of `/proc` is covered by; `None` for processes, for the links that lead to them, and for what needs no cover.
fn cover<'a>(
    name: &'a str,
    kind: FileType,
    files: &[MachineFile],
    closed: &[String],
) -> Option<&'a str> {
    let is_process = name.bytes().all(|byte| byte.is_ascii_digit());
    let stays = [".", ".."].contains(&name) || KEPT.contains(&name);
    if is_process || stays || kind == FileType::Symlink || closed.iter().any(|it| it == name) {
        return None;
    }
    if files.iter().any(|(own, _)| *own == name) {
        return Some(name);
    }
    Some(if kind == FileType::Directory {
        NO_FOLDER
    } else {
        NO_FILE
    })
}

/// The kernel's files that only their owner may read, root, which no sandbox's user is: they need no cover.
///
/// It is called where nothing covers `/proc`, as a container engine does on a machine: the mode of such a cover says nothing.
pub(super) fn closed_files() -> Vec<String> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let closed = entries.filter(|entry| {
        let others = entry.metadata().map(|it| it.mode() & 0o077);
        matches!(others, Ok(0))
    });
    closed
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_covered_but_processes_and_links_to_them() {
        let files = [("meminfo", String::new())];
        let covered = |name, kind| cover(name, kind, &files, &["kcore".to_owned()]);
        assert_eq!(covered("12", FileType::Directory), None);
        assert_eq!(covered("self", FileType::Symlink), None);
        assert_eq!(covered("version", FileType::RegularFile), None);
        let meminfo = covered("meminfo", FileType::RegularFile);
        assert_eq!(meminfo, Some("meminfo"));
        assert_eq!(covered("sys", FileType::Directory), Some(NO_FOLDER));
        assert_eq!(covered("keys", FileType::RegularFile), Some(NO_FILE));
        assert_eq!(covered("12a", FileType::RegularFile), Some(NO_FILE));
        assert_eq!(covered("kcore", FileType::RegularFile), None);
        // A kind that is not known is never left in sight.
        assert_eq!(covered("new", FileType::Unknown), Some(NO_FILE));
    }
}
