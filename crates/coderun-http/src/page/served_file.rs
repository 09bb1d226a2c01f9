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
use flate2::read::{GzDecoder, GzEncoder};
use tokio::sync::OnceCell;

use super::FileContent;
use super::headers::Headers;
use crate::accept;
use crate::large_answers::PiecewiseBody;
use crate::problem::Problem;

const GZIP: &str = "gzip";

/// A file that does not change while the process lives.
#[derive(Debug)]
pub(crate) struct ServedFile {
    media_type: &'static str,
    content: FileContent,
    /// A compressed content as it was before, made for the first client that does not take it compressed.
    plain: OnceCell<Bytes>,
    tag: EntityTag,
    /// Those of every answer, also of 304.
    headers: Headers,
}

impl ServedFile {
    /// A file with these headers, which are part of what a client may have kept: other headers make another `ETag`.
    pub(crate) fn new(
        media_type: &'static str,
        content: FileContent,
        mut headers: Headers,
    ) -> Self {
        let (bytes, is_compressed) = match &content {
            FileContent::Plain(bytes) => (bytes, false),
            FileContent::Gzip(bytes) => (bytes, true),
        };
        // Weak, because it is the same for both encodings.
        let tag = EntityTag::new_weak(fingerprint(bytes, &headers));
        headers.extend(tag.clone().try_into_value().map(|tag| (header::ETAG, tag)));
        if is_compressed {
            let encoding = HeaderValue::from_static("Accept-Encoding");
            headers.push((header::VARY, encoding));
        }
        Self {
            media_type,
            content,
            plain: OnceCell::new(),
            tag,
            headers,
        }
    }

    /// Answers a GET or HEAD request.
    ///
    /// # Errors
    /// 500 if the content is said to be compressed, and is not.
    pub(crate) async fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, Problem> {
        if self.is_kept_by(request) {
            return Ok(self.begin(StatusCode::NOT_MODIFIED).finish());
        }
        let mut response = self.begin(StatusCode::OK);
        response.content_type(self.media_type);
        let bytes = match &self.content {
            FileContent::Plain(bytes) => bytes,
            FileContent::Gzip(bytes)
                if accept::names(request.headers(), header::ACCEPT_ENCODING, GZIP) =>
            {
                response.insert_header((header::CONTENT_ENCODING, GZIP));
                bytes
            }
            FileContent::Gzip(bytes) => {
                let plain = self.plain.get_or_try_init(|| decompressed(bytes.clone()));
                let plain = plain.await;
                plain.map_err(|error| Problem::bug().with_source(error))?
            }
        };
        Ok(response.body(PiecewiseBody::of_all(bytes.clone())))
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
}

/// Decompresses off the event loop.
async fn decompressed(bytes: Bytes) -> io::Result<Bytes> {
    let decompress = move || {
        let mut plain = Vec::new();
        GzDecoder::new(bytes.as_ref()).read_to_end(&mut plain)?;
        Ok(plain.into())
    };
    let decompressing = tokio::task::spawn_blocking(decompress).await;
    decompressing.map_err(io::Error::other).flatten()
}

/// A text of some kilobytes, compressed.
pub(super) fn compressed(text: String) -> FileContent {
    let mut bytes = Vec::new();
    match GzEncoder::new(text.as_bytes(), Compression::fast()).read_to_end(&mut bytes) {
        Ok(_) => FileContent::Gzip(bytes.into()),
        Err(_) => FileContent::Plain(text.into()),
    }
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
