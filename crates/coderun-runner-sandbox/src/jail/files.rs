//! Writes files into `/box`.

use std::io::{Read, Seek, SeekFrom};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2};
use rustix::io::{Errno, retry_on_intr};
use serde::de::DeserializeOwned;

use super::step::{StepContext, StepError};
use crate::protocol::{BOX, SpecFile, decode};

/// Reads a header. The position in the file is then at the contents that follow it.
pub(super) fn read_header<T: DeserializeOwned>(
    file: &OwnedFd,
    step: &'static str,
) -> Result<T, StepError> {
    let mut file = std::fs::File::from(file.try_clone().step(step)?);
    file.seek(SeekFrom::Start(0)).step(step)?;
    let mut length = [0_u8; 4];
    file.read_exact(&mut length).step(step)?;
    let mut header = Vec::new();
    file.take(u64::from(u32::from_le_bytes(length)))
        .read_to_end(&mut header)
        .step(step)?;
    decode(&header).step(step)
}

/// Writes files into `/box`, in which no program has run yet. Their contents follow each other.
pub(super) fn write_all(
    files: &[SpecFile],
    contents: &OwnedFd,
    mode: Mode,
    step: &'static str,
) -> Result<(), StepError> {
    let target = open_box(step)?;
    for file in files {
        let folder = Path::new(&file.name).parent().unwrap_or(Path::new(""));
        make_folders(&target, folder)?;
        let to = create(&target, &file.name, mode, step)?;
        copy(contents, &to, file.size_bytes).step(step)?;
    }
    Ok(())
}

/// Opens `/box`.
pub(super) fn open_box(step: &'static str) -> Result<OwnedFd, StepError> {
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

fn create(
    target: &OwnedFd,
    name: &str,
    mode: Mode,
    step: &'static str,
) -> Result<OwnedFd, StepError> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(target, name, flags, mode, ResolveFlags::BENEATH).step(step)
}

/// Copies this many bytes from the current position of `from`; fewer only if it ends before.
pub(super) fn copy(from: impl AsFd, to: &OwnedFd, length: u64) -> Result<(), Errno> {
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
