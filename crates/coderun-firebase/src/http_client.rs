//! The HTTP client behind everything that is asked of others, and how far their answers are read.

use std::time::Duration;

use coderun_domain::ByteSize;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response};

/// A client that follows no redirects, tries nothing twice, and uses no proxy from the environment.
pub(crate) fn client_builder(connect_timeout: Duration) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("coderun/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        // A small body must not grow after it was measured.
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
}

/// Reads a body as far as it may go; its announced length is not believed. Sets no deadline; cancel-safe.
pub(crate) async fn read_body(mut answer: Response, max: ByteSize) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(BodyError::Failed)? {
        body.extend_from_slice(&part);
        if ByteSize::of(&body) > max {
            return Err(BodyError::TooLong { max });
        }
    }
    Ok(body)
}

/// Says why a body was not read.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// It did not get through. The error may name the URL.
    Failed(reqwest::Error),
    /// It is longer than this.
    TooLong { max: ByteSize },
}
