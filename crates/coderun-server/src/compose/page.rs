//! Hands the files of the page to the HTTP server, in a build that has them.

use coderun_http::PageFile;

/// The files of the page.
#[cfg(feature = "playground")]
pub(super) fn files() -> Vec<PageFile> {
    use std::borrow::Cow;

    use bytes::Bytes;

    let files = coderun_playground::files().map(|file| PageFile {
        path: file.path.into_owned(),
        media_type: file.media_type,
        content: match file.content {
            Cow::Borrowed(content) => Bytes::from_static(content),
            Cow::Owned(content) => content.into(),
        },
    });
    files.collect()
}

/// No files.
#[cfg(not(feature = "playground"))]
pub(super) const fn files() -> Vec<PageFile> {
    Vec::new()
}
