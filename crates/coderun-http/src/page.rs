//! Holds the page for people, ready to be served: its files with their headers, and the page of the API.

mod headers;
mod served_file;

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::SignIn;
use crate::specification::{self, PageParts};

use headers::Headers;
pub(crate) use served_file::ServedFile;
use served_file::compressed;

const HTML: &str = "text/html; charset=utf-8";

/// A file of the page for people.
///
/// `index.html` is served at `/` to those who ask for HTML; `embed.js`, `favicon.svg` and what is below `assets/` under their
/// paths. Files below `assets/` never change: other content has another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFile {
    /// The path below the root, without a slash in front.
    pub path: String,
    /// The value of `Content-Type`.
    pub media_type: &'static str,
    /// What is in it.
    pub content: FileContent,
}

/// The bytes of a file.
#[derive(Clone, PartialEq, Eq)]
pub enum FileContent {
    /// As they are. They are always sent like that.
    Plain(Bytes),
    /// Compressed in the format of gzip. They are sent like that to clients that take it.
    Gzip(Bytes),
}

impl fmt::Debug for FileContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = match self {
            Self::Plain(bytes) => ("Plain", bytes),
            Self::Gzip(bytes) => ("Gzip", bytes),
        };
        f.debug_struct(name)
            .field("length_bytes", &bytes.len())
            .finish()
    }
}

/// The files of the page, by their paths, and the page of the API in its look.
#[derive(Debug)]
pub(crate) struct Page {
    files: HashMap<String, ServedFile>,
    /// Made when it is first asked for.
    docs: OnceLock<ServedFile>,
    docs_headers: Headers,
}

impl Page {
    /// The page of these files, on which people sign in like this.
    pub(crate) fn new(files: &[PageFile], sign_in: Option<&SignIn>) -> Self {
        let served = files.iter().map(|file| {
            let headers = headers::of_file(&file.path, sign_in);
            let served = ServedFile::new(file.media_type, file.content.clone(), headers);
            (file.path.clone(), served)
        });
        Self {
            files: served.collect(),
            docs: OnceLock::new(),
            docs_headers: headers::of_document(sign_in),
        }
    }

    /// The file of this path.
    pub(crate) fn file(&self, path: &str) -> Option<&ServedFile> {
        self.files.get(path)
    }

    /// The page that describes the API.
    pub(crate) fn docs(&self) -> &ServedFile {
        self.docs.get_or_init(|| {
            let page = specification::page(PageParts {
                style: self.part_of_docs(".css"),
                script: self.part_of_docs(".js"),
            });
            ServedFile::new(HTML, compressed(page), self.docs_headers.clone())
        })
    }

    /// The path of the file that the build makes for the page of the API.
    fn part_of_docs(&self, ending: &str) -> Option<&str> {
        let paths = self.files.keys().map(String::as_str);
        paths
            .filter(|path| path.starts_with("assets/docs-") && path.ends_with(ending))
            .min()
    }
}
