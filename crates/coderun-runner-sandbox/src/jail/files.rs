//! Copies submitted files into `/box`, and the built program out of it.

use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2};
use rustix::io::{Errno, retry_on_intr};

use super::step::{StepContext, StepError};
use crate::protocol::{BOX, StageSpec, decode};

/// Reads the specification. The position in the file is then at the contents of the submitted files.
pub(super) fn read_spec(spec: &OwnedFd) -> Result<StageSpec, StepError> {
    let step = "read the specification";
    let mut file = std::fs::File::from(spec.try_clone().step(step)?);
    file.seek(SeekFrom::Start(0)).step(step)?;
    let mut length = [0_u8; 4];
    file.read_exact(&mut length).step(step)?;
    let mut header = Vec::new();
    file.take(u64::from(u32::from_le_bytes(length)))
        .read_to_end(&mut header)
        .step(step)?;
    decode(&header).step(step)
}

/// Writes all submitted files into `/box`, in which no program has run yet.
pub(super) fn write_all(spec: &StageSpec, contents: &OwnedFd) -> Result<(), StepError> {
    let step = "write the submitted files";
    let target = open_box(step)?;
    for file in &spec.files {
        // The domain has checked that the name stays below `/box`.
        make_folders(
            &target,
            Path::new(&file.name).parent().unwrap_or(Path::new("")),
        )?;
        let to = create(&target, &file.name, Mode::from(0o644))?;
        copy(contents, &to, file.size_bytes).step(step)?;
    }
    Ok(())
}

/// Copies the program that an earlier stage has built into `/box`.
pub(super) fn copy_artefact_in(name: &str, artefact: &OwnedFd) -> Result<(), StepError> {
    let step = "bring in the built program";
    let target = open_box(step)?;
    let size_bytes = fstat(artefact).step(step)?.st_size;
    rustix::fs::seek(artefact, rustix::fs::SeekFrom::Start(0)).step(step)?;
    let to = create(&target, name, Mode::from(0o755))?;
    copy(artefact, &to, u64::try_from(size_bytes).unwrap_or(0)).step(step)
}

/// Copies the built program out of `/box`, if it exists.
///
/// The process that wrote it may still run and replace it: so it is opened beneath `/box` without following any link and
/// without waiting, and must be an ordinary file of bounded size. Its bytes are untrusted anyway.
pub(super) fn copy_artefact_out(
    name: &str,
    artefact: &OwnedFd,
    max_bytes: u64,
) -> Result<(), StepError> {
    let step = "take out the built program";
    let source = open_box(step)?;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    // Without a file the artefact stays empty, by which the service knows that there is nothing to run.
    let Ok(built) = openat2(&source, name, flags, Mode::empty(), resolve) else {
        return Ok(());
    };
    let status = fstat(&built).step(step)?;
    let size_bytes = u64::try_from(status.st_size).unwrap_or(u64::MAX);
    if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile || size_bytes > max_bytes {
        return Ok(());
    }
    copy(&built, artefact, size_bytes).step(step)
}

fn open_box(step: &'static str) -> Result<OwnedFd, StepError> {
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(CWD, BOX, flags, Mode::empty()).step(step)
}

/// Creates a folder with all above it.
pub(super) fn make_folders(root: &OwnedFd, folder: &Path) -> Result<(), StepError> {
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
        Err(errno) => Err(errno).step("create a folder"),
    }
}

fn create(target: &OwnedFd, name: &str, mode: Mode) -> Result<OwnedFd, StepError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(target, name, flags, mode, ResolveFlags::BENEATH).step("create a submitted file")
}

/// Copies this many bytes from the current position of `from`; fewer only if it ends before.
fn copy(from: impl AsFd, to: &OwnedFd, length: u64) -> Result<(), Errno> {
    let mut left = length;
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(usize::MAX);
        let copied = retry_on_intr(|| rustix::fs::sendfile(to, from.as_fd(), None, wanted))?;
        if copied == 0 {
            return Ok(());
        }
        left = left.saturating_sub(u64::try_from(copied).unwrap_or(u64::MAX));
    }
    Ok(())
}
