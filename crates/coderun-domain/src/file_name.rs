//! Checks the paths of files beside the code.

/// A relative path of plain names, such as `data/input.txt`.
///
/// It cannot leave the folder it is put into: no part is empty, `.` or `..`, and none holds a control character, which
/// a terminal or a log would obey.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName(String);

impl FileName {
    /// The longest path, in bytes.
    pub const MAX_BYTES: usize = 512;
    /// The longest part of a path, in bytes: what Linux file systems allow.
    pub const MAX_PART_BYTES: usize = 255;
    /// The deepest path, in parts.
    pub const MAX_PARTS: usize = 16;

    /// Checks and wraps a path.
    ///
    /// # Errors
    /// [`FileNameError`] says what is wrong with it.
    pub fn parse(path: &str) -> Result<Self, FileNameError> {
        if path.is_empty() {
            return Err(FileNameError::Empty);
        }
        if path.starts_with('/') {
            return Err(FileNameError::Absolute);
        }
        if path.contains(char::is_control) {
            return Err(FileNameError::ContainsControl);
        }
        if path.len() > Self::MAX_BYTES || path.split('/').count() > Self::MAX_PARTS {
            return Err(FileNameError::TooLong);
        }
        for part in path.split('/') {
            match part {
                "" | "." | ".." => return Err(FileNameError::NotPlain),
                _ if part.len() > Self::MAX_PART_BYTES => return Err(FileNameError::TooLong),
                _ => {}
            }
        }
        Ok(Self(path.to_owned()))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says why a text cannot name a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileNameError {
    /// The path is empty.
    #[error("must not be empty")]
    Empty,
    /// The path begins with `/`.
    #[error("must not begin with `/`")]
    Absolute,
    /// The path contains a control character, such as NUL or a line break.
    #[error("must not contain control characters, such as a line break")]
    ContainsControl,
    /// The path has an empty part, `.` or `..`.
    #[error("must not contain `..`, `.` or empty parts")]
    NotPlain,
    /// The path is longer or deeper than allowed.
    #[error("must have at most 512 bytes, 16 parts and 255 bytes in each part")]
    TooLong,
}
