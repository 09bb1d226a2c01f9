//! Answers requests for a file: conditionally, and compressed where the client takes that.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::io::{self, Read as _};

use actix_web::http::StatusCode;
use actix_web::http::header::{
    self, EntityTag, Header as _, HeaderName, HeaderValue, IfNoneMatch, TryIntoHeaderValue as _,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzEncoder;
use tokio::sync::OnceCell;

use super::headers::Headers;
use crate::accept;
use crate::large_answers::PiecewiseBody;

const GZIP: &str = "gzip";

/// A file that does not change while the process lives.
#[derive(Debug)]
pub(crate) struct ServedFile {
    media_type: &'static str,
    content: Bytes,
    /// The same content compressed, made when it is first asked for; `None` if it would not be shorter.
    compressed: OnceCell<Option<Bytes>>,
    tag: EntityTag,
    /// Those of every answer, also of 304.
    headers: Headers,
}

impl ServedFile {
    /// A file with these headers, which are part of what a client may have kept: other headers make another `ETag`.
    pub(crate) fn new(media_type: &'static str, content: Bytes, mut headers: Headers) -> Self {
        // Weak, because it is the same for both encodings.
        let tag = EntityTag::new_weak(fingerprint(&content, &headers));
        headers.extend(tag.clone().try_into_value().map(|tag| (header::ETAG, tag)));
        if is_text(media_type) {
            let encoding = HeaderValue::from_static("Accept-Encoding");
            headers.push((header::VARY, encoding));
        }
        Self {
            media_type,
            content,
            compressed: OnceCell::new(),
            tag,
            headers,
        }
    }

    /// Answers a GET or HEAD request.
    pub(crate) async fn answer(&self, request: &HttpRequest) -> HttpResponse {
        if self.is_kept_by(request) {
            return self.begin(StatusCode::NOT_MODIFIED).finish();
        }
        let mut response = self.begin(StatusCode::OK);
        response.content_type(self.media_type);
        let content = match self.compressed_for(request).await {
            Some(compressed) => {
                response.insert_header((header::CONTENT_ENCODING, GZIP));
                compressed
            }
            None => self.content.clone(),
        };
        response.body(PiecewiseBody::of_all(content))
    }

    fn begin(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(status);
        for header in &self.headers {
            response.append_header(header.clone());
        }
        response
    }

    /// Whether the client has kept this content.
    fn is_kept_by(&self, request: &HttpRequest) -> bool {
        match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&self.tag)),
            Err(_) => false,
        }
    }

    async fn compressed_for(&self, request: &HttpRequest) -> Option<Bytes> {
        let is_wanted = is_text(self.media_type)
            && accept::names(request.headers(), header::ACCEPT_ENCODING, GZIP);
        if !is_wanted {
            return None;
        }
        let content = self.content.clone();
        let compress = || async {
            let compressing = tokio::task::spawn_blocking(move || compress(&content));
            compressing.await.ok().and_then(Result::ok).flatten()
        };
        self.compressed.get_or_init(compress).await.clone()
    }
}

/// Compressed bytes, unless they are no fewer.
fn compress(content: &[u8]) -> io::Result<Option<Bytes>> {
    let mut compressed = Vec::new();
    GzEncoder::new(content, Compression::best()).read_to_end(&mut compressed)?;
    compressed.shrink_to_fit();
    Ok((compressed.len() < content.len()).then(|| compressed.into()))
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || ["application/json", "image/svg+xml"].contains(&media_type)
}

/// Tells contents apart by chance, not against someone who makes them.
fn fingerprint(content: &[u8], headers: &[(HeaderName, HeaderValue)]) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    for (name, value) in headers {
        (name.as_str(), value.as_bytes()).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gets_no_shorter_is_not_compressed() {
        assert_eq!(compress(b"x").unwrap(), None);
        let compressed = compress(&[b'x'; 1_000]).unwrap();
        assert!(compressed.is_some_and(|bytes| bytes.len() < 100));
    }
}
