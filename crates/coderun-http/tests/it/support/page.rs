//! Fakes the page for people, and the issuer of its tokens.

use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{BackendError, BearerToken};
use coderun_http::{DevelopmentToken, DevelopmentTokens, FileContent, PageFile, SignIn};
use flate2::Compression;
use flate2::read::GzEncoder;

/// The name of a script of the page.
pub(crate) const ASSET: &str = "app-1a2b3c4d.js";

/// The content of that script.
pub(crate) const SCRIPT: &str =
    "export const numbers = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];";

/// The content of the page itself.
pub(crate) const INDEX: &str =
    "<!doctype html><title>coderun coderun coderun coderun coderun coderun</title>";

/// The files of a page.
pub(crate) fn page() -> Vec<PageFile> {
    let file = |path: &str, media_type, content: &'static str| PageFile {
        path: path.to_owned(),
        media_type,
        content: if media_type.starts_with("font/") {
            FileContent::Plain(content.into())
        } else {
            compressed(content)
        },
    };
    vec![
        file("index.html", "text/html; charset=utf-8", INDEX),
        file("embed.js", "text/javascript; charset=utf-8", SCRIPT),
        file(
            "favicon.svg",
            "image/svg+xml",
            "<svg xmlns='http://www.w3.org/2000/svg'/>",
        ),
        file(
            "assets/app-1a2b3c4d.js",
            "text/javascript; charset=utf-8",
            SCRIPT,
        ),
        file(
            "assets/docs-1a2b3c4d.css",
            "text/css; charset=utf-8",
            "p { color: red }",
        ),
        file(
            "assets/docs-5e6f7a8b.js",
            "text/javascript; charset=utf-8",
            SCRIPT,
        ),
        file("assets/mono-1a2b3c4d.woff2", "font/woff2", SCRIPT),
    ]
}

fn compressed(text: &str) -> FileContent {
    let mut bytes = Vec::new();
    let mut encoder = GzEncoder::new(text.as_bytes(), Compression::best());
    encoder.read_to_end(&mut bytes).unwrap();
    FileContent::Gzip(bytes.into())
}

/// Gives the page the token `developer` for an hour.
pub(crate) fn development() -> SignIn {
    SignIn::Development(Arc::new(Tokens))
}

/// Sign-in with Firebase.
pub(crate) fn firebase() -> SignIn {
    SignIn::Firebase {
        api_key: "AIza".to_owned(),
        auth_domain: "p.firebaseapp.com".to_owned(),
        project_id: "p".to_owned(),
    }
}

/// Sign-in with the Auth emulator.
pub(crate) fn emulator() -> SignIn {
    SignIn::Emulator {
        host: "127.0.0.1:9099".to_owned(),
        project_id: "demo-p".to_owned(),
    }
}

#[derive(Debug)]
struct Tokens;

impl DevelopmentTokens for Tokens {
    fn issue(&self) -> Result<DevelopmentToken, BackendError> {
        Ok(DevelopmentToken {
            token: BearerToken::new("developer"),
            lifetime: Duration::from_hours(1),
        })
    }
}
