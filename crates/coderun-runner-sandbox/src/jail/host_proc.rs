//! Keeps the machine's `/proc` open for the launcher, whose own root does not have it.

use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// The machine's `/proc`.
#[derive(Debug)]
pub(super) struct HostProc(OwnedFd);

impl HostProc {
    /// Opens it, as long as it is in sight.
    pub(super) fn open() -> Result<Self, Errno> {
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        openat(CWD, "/proc", flags, Mode::empty()).map(Self)
    }

    /// Opens a file in it for reading.
    pub(super) fn file(&self, name: &str) -> Result<OwnedFd, Errno> {
        openat(
            &self.0,
            name,
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }

    /// Writes a file in it with one call, as the kernel wants its settings.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty())?;
        rustix::io::write(&file, text.as_bytes()).map(drop)
    }
}
