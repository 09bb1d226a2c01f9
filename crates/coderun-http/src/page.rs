//! Holds the page for people, ready to be served: its files with their headers.

mod headers;
mod served_file;

use std::collections::HashMap;
use std::fmt;

use bytes::Bytes;

use crate::SignIn;

pub(crate) use served_file::ServedFile;

/// A file of the page for people.
///
/// `index.html` is served at `/` to those who ask for HTML; `embed.js`, `favicon.svg` and what is below `assets/` under their
/// paths. Files below `assets/` never change: other content has another name.
#[derive(Clone, PartialEq, Eq)]
pub struct PageFile {
    /// The path below the root, without a slash in front.
    pub path: String,
    /// The value of `Content-Type`.
    pub media_type: &'static str,
    /// The bytes of the file.
    pub content: Bytes,
}

impl fmt::Debug for PageFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageFile")
            .field("path", &self.path)
            .field("media_type", &self.media_type)
            .field("content_bytes", &self.content.len())
            .finish()
    }
}

/// The files of the page, by their paths.
#[derive(Debug)]
pub(crate) struct Page(HashMap<String, ServedFile>);

impl Page {
    /// The page of these files, on which people sign in like this.
    pub(crate) fn new(files: &[PageFile], sign_in: Option<&SignIn>) -> Self {
        let served = files.iter().map(|file| {
            let headers = headers::of_file(&file.path, sign_in);
            let served = ServedFile::new(file.media_type, file.content.clone(), headers);
            (file.path.clone(), served)
        });
        Self(served.collect())
    }

    /// The file of this path.
    pub(crate) fn file(&self, path: &str) -> Option<&ServedFile> {
        self.0.get(path)
    }
}
