//! Hands the files of the page to the HTTP server, in a build that has them.

use coderun_http::PageFile;

/// The files of the page.
#[cfg(feature = "playground")]
pub(super) fn files() -> Vec<PageFile> {
    use bytes::Bytes;
    use coderun_http::FileContent;
    use coderun_playground::Content;

    let files = coderun_playground::files().map(|file| PageFile {
        path: file.path.to_owned(),
        media_type: file.media_type,
        content: match file.content {
            Content::Plain(bytes) => FileContent::Plain(Bytes::from_static(bytes)),
            Content::Gzip(bytes) => FileContent::Gzip(Bytes::from_static(bytes)),
        },
    });
    files.collect()
}

/// No files.
#[cfg(not(feature = "playground"))]
pub(super) const fn files() -> Vec<PageFile> {
    Vec::new()
}
