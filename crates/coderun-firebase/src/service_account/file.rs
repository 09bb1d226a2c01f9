//! Reads a secret file that only its owner may change.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

use super::error::{ServiceAccountError, ServiceAccountFormatError};
use crate::development::UnsafePath;

/// Many times what Google hands out.
const CONTENT_MAX_BYTES: u64 = 64 << 10;

/// Who may write the file besides its owner.
const OTHERS_WRITE: u32 = 0o022;

/// Reads and checks the file through one descriptor, so that nobody can swap it in between.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, ServiceAccountError> {
    let unreadable = |source: io::Error| ServiceAccountError::Unreadable {
        path: path.to_owned(),
        source,
    };
    // A FIFO in its place must not make the open wait.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let descriptor = rustix::fs::open(path, flags, Mode::empty());
    let file = File::from(descriptor.map_err(|error| unreadable(error.into()))?);
    let metadata = file.metadata().map_err(unreadable)?;
    check(&metadata).map_err(|problem| ServiceAccountError::Unsafe {
        path: path.to_owned(),
        problem,
    })?;
    let mut content = Vec::new();
    let mut limited = file.take(CONTENT_MAX_BYTES + 1);
    let length_bytes = limited.read_to_end(&mut content).map_err(unreadable)?;
    if length_bytes as u64 > CONTENT_MAX_BYTES {
        return Err(ServiceAccountError::Format {
            path: path.to_owned(),
            source: ServiceAccountFormatError::TooLong {
                max_bytes: CONTENT_MAX_BYTES,
            },
        });
    }
    Ok(content)
}

fn check(metadata: &Metadata) -> Result<(), UnsafePath> {
    if !metadata.is_file() {
        return Err(UnsafePath::WrongKind);
    }
    let mode = metadata.mode() & 0o7777;
    if mode & OTHERS_WRITE != 0 {
        return Err(UnsafePath::Mode {
            actual: mode,
            expected: mode & !OTHERS_WRITE,
        });
    }
    Ok(())
}
