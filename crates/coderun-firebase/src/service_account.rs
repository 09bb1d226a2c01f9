//! Reads the service account with which users are looked up at Google.

mod error;
mod tokens;

use std::path::Path;

use coderun_json::Object;
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::config::{Endpoint, ProjectId};
use crate::private_file::{self, PrivateFileError, SymbolicLinks};
use crate::signing::SigningKey;

pub use error::{ServiceAccountError, ServiceAccountFormatError};
pub(crate) use tokens::{AccessTokens, TokenError};

/// The only permission that the account asks for: to see and change the users of its project.
const SCOPE: &str = "https://www.googleapis.com/auth/identitytoolkit";

/// How long an assertion is valid: the longest time that Google allows.
const ASSERTION_SECONDS: i64 = 3600;

/// The longest file, many times what Google hands out.
const CONTENT_MAX_BYTES: u64 = 64 << 10;

/// Write permission of users other than the owner.
const OTHERS_WRITE: u32 = 0o022;

/// A service account of Google, with its private key. `Debug` does not show the key.
#[derive(Debug)]
pub struct ServiceAccount {
    /// The project that the account belongs to.
    pub(crate) project_id: ProjectId,
    client_email: String,
    key: SigningKey,
    token_uri: Endpoint,
}

impl ServiceAccount {
    /// Reads the key file that the Google console hands out. Blocks.
    ///
    /// Follows a symbolic link, as a mounted secret often is one.
    ///
    /// # Errors
    /// [`ServiceAccountError`], also if it is no regular file or others than its owner may write it.
    pub fn read(path: &Path) -> Result<Self, ServiceAccountError> {
        private_file::read(
            path,
            SymbolicLinks::Follow,
            CONTENT_MAX_BYTES + 1,
            |metadata| private_file::check_mode(metadata, |mode| mode & !OTHERS_WRITE),
        )
        .and_then(|content| {
            Self::parse(&content).map_err(|error| PrivateFileError::Content(error.into()))
        })
        .map_err(|source| ServiceAccountError {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads the content of such a file.
    ///
    /// # Errors
    /// [`ServiceAccountFormatError`], which does not quote the content.
    pub fn parse(json: &[u8]) -> Result<Self, ServiceAccountFormatError> {
        if json.len() as u64 > CONTENT_MAX_BYTES {
            return Err(ServiceAccountFormatError::TooLong {
                max_bytes: CONTENT_MAX_BYTES,
            });
        }
        let Object(fields): Object<Fields> =
            serde_json::from_slice(json).map_err(|error| ServiceAccountFormatError::NotJson {
                line: error.line(),
                column: error.column(),
            })?;
        if text(&fields.kind, "type")? != "service_account" {
            return Err(wrong("type", "`service_account`"));
        }
        let project_id = ProjectId::parse(text(&fields.project_id, "project_id")?)
            .map_err(|_| wrong("project_id", "the id of a project"))?;
        let token_uri = text(&fields.token_uri, "token_uri")?
            .parse()
            .map_err(|_| wrong("token_uri", "an https URL"))?;
        Ok(Self {
            project_id,
            client_email: text(&fields.client_email, "client_email")?,
            key: private_key(&fields.private_key_id, &fields.private_key)?,
            token_uri,
        })
    }

    /// The signed request of this account for an access token (RFC 7523).
    fn assertion(&self, now: OffsetDateTime) -> Result<String, jsonwebtoken::errors::Error> {
        let now = now.unix_timestamp();
        self.key.sign(&json!({
            "iss": self.client_email,
            "scope": SCOPE,
            "aud": self.token_uri.as_str(),
            "iat": now,
            "exp": now.saturating_add(ASSERTION_SECONDS),
        }))
    }
}

/// The fields are of any type here: an error of serde could show a part of the key.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    #[serde(rename = "type")]
    kind: Value,
    project_id: Value,
    client_email: Value,
    private_key: Value,
    private_key_id: Value,
    token_uri: Value,
}

fn text(value: &Value, name: &'static str) -> Result<String, ServiceAccountFormatError> {
    match value.as_str() {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        Some(_) | None => Err(wrong(name, "a text that is not empty")),
    }
}

fn private_key(id: &Value, pem: &Value) -> Result<SigningKey, ServiceAccountFormatError> {
    let (id, pem) = (text(id, "private_key_id")?, text(pem, "private_key")?);
    SigningKey::from_pem(&id, &pem).map_err(|_| wrong("private_key", "an RSA key as PKCS#8 in PEM"))
}

const fn wrong(name: &'static str, expected: &'static str) -> ServiceAccountFormatError {
    ServiceAccountFormatError::Field { name, expected }
}

#[cfg(test)]
mod tests;
