//! Embeds the built page of `web/playground`, so that the binary alone serves it.
//!
//! `dist` is what `npm run build` writes there. It is committed: the service builds without Node.js and without a network. This
//! crate knows no web server.
//!
//! ```
//! let index = coderun_playground::files().find(|file| file.path == "index.html").unwrap();
//! assert_eq!(index.media_type, "text/html; charset=utf-8");
//! assert!(index.content.starts_with(b"<!doctype html>"));
//! ```

use std::borrow::Cow;

use rust_embed::Embed;

#[derive(Embed)]
#[folder = "dist"]
struct Dist;

/// A file of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path below the root of the site, such as `index.html` or `assets/app-1a2b3c4d.js`.
    pub path: Cow<'static, str>,
    /// The value of `Content-Type`, with the encoding of texts.
    pub media_type: &'static str,
    /// The bytes of the file.
    pub content: Cow<'static, [u8]>,
}

/// All files of the page: `index.html`, `embed.js`, `favicon.svg`, and below `assets/` those whose names have a hash of their
/// content.
pub fn files() -> impl Iterator<Item = File> {
    Dist::iter().filter_map(|path| {
        let content = Dist::get(&path)?.data;
        let media_type = media_type(&path);
        Some(File {
            path,
            media_type,
            content,
        })
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
