//! Keeps a key in a file that only this user can read, and that concurrent processes create only once.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::IssuerError;
use crate::private_file::{self, ReadError, SymbolicLinks, UnsafePath};

const FILE_NAME: &str = "development-issuer-key.der";
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// Far more than an RSA key needs.
const CONTENT_MAX_BYTES: u64 = 16 << 10;

/// A key file that was found safe.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) content: Vec<u8>,
}

/// Reads the key of this directory; makes it first if there is none.
pub(super) fn load_or_create(
    directory: &Path,
    generate: impl FnOnce() -> Result<Vec<u8>, IssuerError>,
) -> Result<KeyFile, IssuerError> {
    prepare_directory(directory)?;
    let path = directory.join(FILE_NAME);
    if let Some(content) = read(&path)? {
        return Ok(KeyFile { path, content });
    }
    publish(directory, &path, &generate()?).map_err(|source| failed(&path, source))?;
    // Another process may have been first: what counts is what is there now.
    match read(&path)? {
        Some(content) => Ok(KeyFile { path, content }),
        None => Err(failed(&path, io::ErrorKind::NotFound.into())),
    }
}

fn prepare_directory(path: &Path) -> Result<(), IssuerError> {
    let failed = |source| IssuerError::Directory {
        path: path.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)
        .map_err(failed)?;
    let metadata = fs::metadata(path).map_err(failed)?;
    check_directory(&metadata, this_user()).map_err(|problem| IssuerError::UnsafeDirectory {
        path: path.to_owned(),
        problem,
    })
}

fn check_directory(metadata: &fs::Metadata, user: u32) -> Result<(), UnsafePath> {
    check_owner(metadata, user)?;
    // Others may read a directory that was there before, but not write: the mode of the file protects its content.
    let actual = private_file::mode(metadata);
    if actual & 0o022 != 0 {
        return Err(UnsafePath::Mode {
            actual,
            expected: DIRECTORY_MODE,
        });
    }
    Ok(())
}

/// Reads the key; `None` if there is no file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, IssuerError> {
    let check = |metadata: &fs::Metadata| check_file(metadata, this_user());
    match private_file::read(path, SymbolicLinks::Refuse, CONTENT_MAX_BYTES, check) {
        Ok(content) => Ok(Some(content)),
        Err(ReadError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(ReadError::Io(error)) => Err(failed(path, error)),
        Err(ReadError::Unsafe(problem)) => Err(IssuerError::UnsafeKeyFile {
            path: path.to_owned(),
            problem,
        }),
    }
}

fn check_file(metadata: &fs::Metadata, user: u32) -> Result<(), UnsafePath> {
    check_owner(metadata, user)?;
    let actual = private_file::mode(metadata);
    if actual != FILE_MODE {
        return Err(UnsafePath::Mode {
            actual,
            expected: FILE_MODE,
        });
    }
    Ok(())
}

fn check_owner(metadata: &fs::Metadata, expected: u32) -> Result<(), UnsafePath> {
    let actual = metadata.uid();
    if actual != expected {
        return Err(UnsafePath::Owner { actual, expected });
    }
    Ok(())
}

fn this_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Puts a complete file in its place, unless there is one already.
fn publish(directory: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    // Only this user can read the draft, and it is removed unless it is persisted.
    let mut draft = NamedTempFile::new_in(directory)?;
    draft.write_all(content)?;
    draft.as_file().sync_all()?;
    match draft.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn failed(path: &Path, source: io::Error) -> IssuerError {
    IssuerError::KeyFile {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_another_user_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = NamedTempFile::new_in(&directory).unwrap();
        let (us, other) = (this_user(), this_user() + 1);
        let foreign = Err(UnsafePath::Owner {
            actual: us,
            expected: other,
        });

        let metadata = fs::metadata(&directory).unwrap();
        assert_eq!(check_directory(&metadata, us), Ok(()));
        assert_eq!(check_directory(&metadata, other), foreign);
        let metadata = fs::metadata(&file).unwrap();
        assert_eq!(check_file(&metadata, us), Ok(()));
        assert_eq!(check_file(&metadata, other), foreign);
    }
}
