//! Embeds the built page of `web/playground`, so that the binary alone serves it.
//!
//! `dist` is what `npm run build` writes there. It is committed: the service builds without Node.js and without a network. This
//! crate knows no web server. Texts are embedded compressed: that is a third of their size, and how they are sent.
//!
//! ```
//! let index = coderun_playground::files().find(|file| file.path == "index.html").unwrap();
//! assert_eq!(index.media_type, "text/html; charset=utf-8");
//! assert!(matches!(index.content, coderun_playground::Content::Gzip(_)));
//! ```

/// Paths and contents of all files, as the build script lists them.
static FILES: &[(&str, Content)] = &include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// A file of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// The path below the root of the site, such as `index.html` or `assets/app-1a2b3c4d.js`.
    pub path: &'static str,
    /// The value of `Content-Type`, with the encoding of texts.
    pub media_type: &'static str,
    /// What is in it.
    pub content: Content,
}

/// The bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// As they are: compressed they would be no fewer.
    Plain(&'static [u8]),
    /// Compressed in the format of gzip.
    Gzip(&'static [u8]),
}

/// All files of the page: `index.html`, `embed.js`, `favicon.svg`, and below `assets/` those whose names have a hash of their
/// content.
pub fn files() -> impl Iterator<Item = File> {
    FILES.iter().map(|&(path, content)| File {
        path,
        media_type: media_type(path),
        content,
    })
}

fn media_type(path: &str) -> &'static str {
    let (_, ending) = path.rsplit_once('.').unwrap_or_default();
    match ending {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
