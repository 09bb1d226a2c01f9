//! Tells whether a file or a folder was replaced, and whether a file was written.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

/// What changes when a file is replaced or written, or a folder is replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileIdentity {
    device: u64,
    inode: u64,
    /// Its size, and when it was written. A folder has none: what changes in it is seen where it is mounted.
    content: Option<(u64, Option<SystemTime>)>,
}

impl FileIdentity {
    /// Follows links; `None` if there is no such file.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        let content = (metadata.size(), metadata.modified().ok());
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            content: (!metadata.is_dir()).then_some(content),
        })
    }
}
