//! Keeps a key in a file that only this user can read, and that concurrent processes create only once.

use std::fs::{self, DirBuilder};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::error::IssuerError;
use crate::private_file::{self, PrivateFileError, SymbolicLinks};

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
    prepare_directory(directory).map_err(|source| IssuerError::Directory {
        path: directory.to_owned(),
        source,
    })?;
    let path = directory.join(FILE_NAME);
    let failed = |source| IssuerError::KeyFile {
        path: path.clone(),
        source,
    };
    let content = match read(&path) {
        Err(PrivateFileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {
            publish(directory, &path, &generate()?).map_err(|error| failed(error.into()))?;
            // Another process may have been first: what counts is what is there now.
            read(&path)
        }
        content => content,
    };
    let content = content.map_err(failed)?;
    Ok(KeyFile { path, content })
}

fn prepare_directory(path: &Path) -> Result<(), PrivateFileError> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(path)?;
    check_directory(&fs::metadata(path)?, this_user())
}

fn check_directory(metadata: &fs::Metadata, user: u32) -> Result<(), PrivateFileError> {
    check_owner(metadata, user)?;
    // Others may read a directory that was there before, but not write: the mode of the file protects its content.
    let is_safe = |mode: u32| mode & 0o022 == 0;
    private_file::check_mode(
        metadata,
        |mode| if is_safe(mode) { mode } else { DIRECTORY_MODE },
    )
}

fn read(path: &Path) -> Result<Vec<u8>, PrivateFileError> {
    let check = |metadata: &fs::Metadata| check_file(metadata, this_user());
    private_file::read(path, SymbolicLinks::Refuse, CONTENT_MAX_BYTES, check)
}

fn check_file(metadata: &fs::Metadata, user: u32) -> Result<(), PrivateFileError> {
    check_owner(metadata, user)?;
    private_file::check_mode(metadata, |_| FILE_MODE)
}

fn check_owner(metadata: &fs::Metadata, expected: u32) -> Result<(), PrivateFileError> {
    let actual = metadata.uid();
    if actual != expected {
        return Err(PrivateFileError::Owner { actual, expected });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_another_user_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let file = NamedTempFile::new_in(&directory).unwrap();
        let (us, other) = (this_user(), this_user() + 1);
        let assert_foreign = |checked: Result<(), PrivateFileError>| {
            let Err(PrivateFileError::Owner { actual, expected }) = checked else {
                panic!("{checked:?}");
            };
            assert_eq!((actual, expected), (us, other));
        };

        let metadata = fs::metadata(&directory).unwrap();
        check_directory(&metadata, us).unwrap();
        assert_foreign(check_directory(&metadata, other));
        let metadata = fs::metadata(&file).unwrap();
        check_file(&metadata, us).unwrap();
        assert_foreign(check_file(&metadata, other));
    }
}
