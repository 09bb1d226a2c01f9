//! Reads a file with a secret, and checks that no other user can change it.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use coderun_domain::BackendError;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

/// Says why a file or directory with a secret is not used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// It cannot be read or written.
    #[error("it cannot be read or written")]
    Io(#[from] io::Error),
    /// It is a symbolic link.
    #[error("it is a symbolic link")]
    SymbolicLink,
    /// It is not a regular file.
    #[error("it is not a regular file")]
    NotAFile,
    /// It belongs to another user.
    #[error("it belongs to user {actual}, not to user {expected}")]
    Owner {
        /// The user that it belongs to.
        actual: u32,
        /// The user that it must belong to: that of this process.
        expected: u32,
    },
    /// Its mode gives other users access.
    #[error("its mode is {actual:04o}, {expected:04o} is needed")]
    Mode {
        /// Its mode.
        actual: u32,
        /// The mode that it must have.
        expected: u32,
    },
    /// It holds no usable secret.
    #[error("its content cannot be used")]
    Content(#[source] BackendError),
}

/// Whether a symbolic link is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SymbolicLinks {
    Follow,
    Refuse,
}

/// Reads at most `max_bytes` of a regular file that `check` finds safe.
///
/// One descriptor serves the check and the reading, so that the file cannot be replaced in between.
pub(crate) fn read(
    path: &Path,
    links: SymbolicLinks,
    max_bytes: u64,
    check: impl FnOnce(&Metadata) -> Result<(), PrivateFileError>,
) -> Result<Vec<u8>, PrivateFileError> {
    // A FIFO in its place must not make the open wait.
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    flags.set(OFlags::NOFOLLOW, links == SymbolicLinks::Refuse);
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::LOOP) if links == SymbolicLinks::Refuse => {
            return Err(PrivateFileError::SymbolicLink);
        }
        Err(error) => return Err(io::Error::from(error).into()),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(PrivateFileError::NotAFile);
    }
    check(&metadata)?;
    let mut content = Vec::new();
    file.take(max_bytes).read_to_end(&mut content)?;
    Ok(content)
}

/// Checks that the mode of a file or directory is what `expected` makes of it.
pub(crate) fn check_mode(
    metadata: &Metadata,
    expected: impl FnOnce(u32) -> u32,
) -> Result<(), PrivateFileError> {
    let actual = metadata.mode() & 0o7777;
    let expected = expected(actual);
    if actual != expected {
        return Err(PrivateFileError::Mode { actual, expected });
    }
    Ok(())
}
