//! Moves what a compiler built out of its sandbox, and into that of the program.
//!
//! On its way it is one file: the list of the built files, and their contents. The processes of the compiler may still run while
//! it is taken out, so nothing is followed, waited for or believed: a file that changes meanwhile is the program's own loss.

use std::os::fd::OwnedFd;
use std::path::Path;

use coderun_domain::FileName;
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, ftruncate, openat2, statat,
};
use rustix::io::Errno;

use super::files::{copy, make_folders, open_box, read_header, write_all};
use super::step::{StepContext, StepError};
use crate::protocol::{BUILT_ENTRIES_MAX, SpecFile, write_header};

/// The bytes of disk that what was built takes, of which each file takes whole pages.
pub(super) fn disk_bytes(name: &str, artefact: &OwnedFd) -> Result<u64, StepError> {
    let size_bytes = fstat(artefact).step("read the built program")?.st_size;
    let size_bytes = u64::try_from(size_bytes).unwrap_or(0);
    let pages = if name.ends_with('/') {
        BUILT_ENTRIES_MAX
    } else {
        1
    };
    Ok(size_bytes.saturating_add(
        u64::try_from(pages)
            .unwrap_or(u64::MAX)
            .saturating_mul(4096),
    ))
}

/// Makes the folder that a compiler builds into; a single file needs none.
pub(super) fn prepare(name: &str) -> Result<(), StepError> {
    match name.strip_suffix('/') {
        Some(folder) => make_folders(&open_box("open the folder")?, folder.as_ref()),
        None => Ok(()),
    }
}

/// Copies what was built out of `/box`: one file, or a folder with all below it if the name ends with `/`.
///
/// Without any content, or with more than `max_bytes`, the artefact stays empty, by which the service knows that there is nothing to
/// run. Links and other special files are left out.
pub(super) fn take_out(name: &str, artefact: &OwnedFd, max_bytes: u64) -> Result<(), StepError> {
    let step = "take out the built program";
    let source = open_box(step)?;
    let files = built_files(&source, name).unwrap_or_default();
    let sizes = files.iter().map(|file| file.size_bytes);
    let size_bytes = sizes.fold(0, u64::saturating_add);
    if size_bytes == 0 || size_bytes > max_bytes {
        return Ok(());
    }
    let mut archive = std::fs::File::from(artefact.try_clone().step(step)?);
    write_header(&mut archive, &files).step(step)?;
    for file in &files {
        let built = open_beneath(&source, &file.name, OFlags::NONBLOCK);
        let built = built.ok().filter(|built| {
            fstat(built).is_ok_and(|status| kind(&status) == FileType::RegularFile)
        });
        let Some(built) = built else {
            return ftruncate(artefact, 0).step(step);
        };
        copy(&built, artefact, file.size_bytes).step(step)?;
    }
    Ok(())
}

/// Writes what an earlier stage has built into `/box`.
pub(super) fn bring_in(artefact: &OwnedFd) -> Result<(), StepError> {
    let step = "bring in the built program";
    let files: Vec<SpecFile> = read_header(artefact, step)?;
    if files
        .iter()
        .any(|file| FileName::parse(&file.name).is_err())
    {
        return Err(Errno::INVAL).step(step);
    }
    write_all(&files, artefact, Mode::from(0o755), step)
}

/// The ordinary files that were built; `Err` if there is none of this name, there are too many, they cannot all exist, or one has a
/// name that no submitted file could have.
fn built_files(source: &OwnedFd, name: &str) -> Result<Vec<SpecFile>, Errno> {
    let Some(folder) = name.strip_suffix('/') else {
        let status = statat(source, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_file = kind(&status) == FileType::RegularFile;
        return Ok(is_file
            .then(|| spec_file(name.to_owned(), &status))
            .into_iter()
            .collect());
    };
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    let mut entries = 0;
    while let Some(folder) = folders.pop() {
        let opened = open_beneath(source, &folder, OFlags::DIRECTORY)?;
        for entry in Dir::read_from(&opened)? {
            let entry = entry?;
            let name = entry.file_name().to_str().map_err(|_| Errno::ILSEQ)?;
            if matches!(name, "." | "..") {
                continue;
            }
            let path = format!("{folder}/{name}");
            FileName::parse(&path).map_err(|_| Errno::NAMETOOLONG)?;
            entries += 1;
            if entries > BUILT_ENTRIES_MAX {
                return Err(Errno::TOOBIG);
            }
            let status = statat(&opened, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)?;
            match kind(&status) {
                FileType::Directory => folders.push(path),
                FileType::RegularFile => files.push(spec_file(path, &status)),
                FileType::Symlink
                | FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => {}
            }
        }
    }
    if have_conflict(&mut files) {
        return Err(Errno::EXIST);
    }
    Ok(files)
}

/// Whether these files cannot all exist, since a process of the compiler renamed some while they were listed.
fn have_conflict(files: &mut [SpecFile]) -> bool {
    // In this order, what is below a path comes right after it.
    files.sort_by(|one, other| Path::new(&one.name).cmp(Path::new(&other.name)));
    let mut pairs = files.iter().zip(files.iter().skip(1));
    pairs.any(|(one, next)| Path::new(&next.name).starts_with(&one.name))
}

fn kind(status: &Stat) -> FileType {
    FileType::from_raw_mode(status.st_mode)
}

fn spec_file(name: String, status: &Stat) -> SpecFile {
    SpecFile {
        name,
        size_bytes: u64::try_from(status.st_size).unwrap_or(u64::MAX),
    }
}

/// Opens something below `/box` for reading, without following any link.
fn open_beneath(source: &OwnedFd, name: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    openat2(source, name, flags, Mode::empty(), resolve)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_were_renamed_while_they_were_listed_cannot_all_exist() {
        for (names, expected) in [
            (&["out/a", "out/b/c", "out/ab"][..], false),
            (&["out/a", "out/b", "out/a"], true),
            (&["out/a/b", "out/a!", "out/a"], true),
        ] {
            let file = |name: &&str| SpecFile {
                name: (*name).to_owned(),
                size_bytes: 1,
            };
            let mut files: Vec<_> = names.iter().map(file).collect();
            assert_eq!(have_conflict(&mut files), expected, "{names:?}");
        }
    }
}
