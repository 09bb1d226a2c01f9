//! The account in whose name this service asks Google about users.

mod error;
mod file;
mod tokens;

use std::fmt;
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coderun_json::{Object, non_null};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::config::{Endpoint, ProjectId};

pub use error::{ServiceAccountError, ServiceAccountFormatError};
pub(crate) use tokens::{AccessTokens, TokenFault};

/// All that the account is used for: to see and change the users of its project.
const SCOPE: &str = "https://www.googleapis.com/auth/identitytoolkit";

/// An assertion is good for so long, which is as long as Google allows.
const ASSERTION_SECONDS: i64 = 3600;

/// A service account of Google, with its private key. `Debug` does not show the key.
pub struct ServiceAccount {
    project_id: ProjectId,
    client_email: String,
    key_id: String,
    key: RsaKeyPair,
    token_uri: Endpoint,
}

impl ServiceAccount {
    /// Reads the key file that the Google console hands out. Blocks.
    ///
    /// A symbolic link is followed, as a mounted secret often is one.
    ///
    /// # Errors
    /// [`ServiceAccountError::Unreadable`]; [`ServiceAccountError::Unsafe`] if it is no regular file or others than its
    /// owner may write it; [`ServiceAccountError::Format`].
    pub fn read(path: &Path) -> Result<Self, ServiceAccountError> {
        let content = file::read(path)?;
        Self::parse(&content).map_err(|source| ServiceAccountError::Format {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads the content of such a file.
    ///
    /// # Errors
    /// [`ServiceAccountFormatError`], which says what is wrong but not what stands there.
    pub fn parse(json: &[u8]) -> Result<Self, ServiceAccountFormatError> {
        let Object(fields): Object<Fields> =
            serde_json::from_slice(json).map_err(|error| ServiceAccountFormatError::NotJson {
                line: error.line(),
                column: error.column(),
            })?;
        if text(fields.kind, "type")? != "service_account" {
            return Err(wrong("type", "`service_account`"));
        }
        let project_id = ProjectId::parse(text(fields.project_id, "project_id")?)
            .map_err(|_| wrong("project_id", "the id of a project"))?;
        let token_uri = text(fields.token_uri, "token_uri")?
            .parse()
            .map_err(|_| wrong("token_uri", "an https URL"))?;
        Ok(Self {
            project_id,
            client_email: text(fields.client_email, "client_email")?,
            key_id: text(fields.private_key_id, "private_key_id")?,
            key: private_key(&text(fields.private_key, "private_key")?)?,
            token_uri,
        })
    }

    /// The project that the account belongs to.
    #[must_use]
    pub const fn project_id(&self) -> &ProjectId {
        &self.project_id
    }

    /// The name of the account.
    #[must_use]
    pub fn client_email(&self) -> &str {
        &self.client_email
    }

    /// A signed statement that it is this account who asks for an access token (RFC 7523).
    fn assertion(&self, now: OffsetDateTime) -> Option<String> {
        let now = now.unix_timestamp();
        let header = AssertionHeader {
            alg: "RS256",
            typ: "JWT",
            kid: &self.key_id,
        };
        let claims = AssertionClaims {
            iss: &self.client_email,
            scope: SCOPE,
            aud: self.token_uri.as_str(),
            iat: now,
            exp: now.saturating_add(ASSERTION_SECONDS),
        };
        let signed = format!("{}.{}", encode(&header)?, encode(&claims)?);
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .ok()?;
        Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount")
            .field("project_id", &self.project_id)
            .field("client_email", &self.client_email)
            .field("token_uri", &self.token_uri)
            .finish_non_exhaustive()
    }
}

/// The fields are of any type here: an error of serde could show a part of the key.
#[derive(Deserialize)]
struct Fields {
    #[serde(default, rename = "type", deserialize_with = "non_null")]
    kind: Option<Value>,
    #[serde(default, deserialize_with = "non_null")]
    project_id: Option<Value>,
    #[serde(default, deserialize_with = "non_null")]
    client_email: Option<Value>,
    #[serde(default, deserialize_with = "non_null")]
    private_key: Option<Value>,
    #[serde(default, deserialize_with = "non_null")]
    private_key_id: Option<Value>,
    #[serde(default, deserialize_with = "non_null")]
    token_uri: Option<Value>,
}

fn text(value: Option<Value>, name: &'static str) -> Result<String, ServiceAccountFormatError> {
    match value {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        Some(_) | None => Err(wrong(name, "a text that is not empty")),
    }
}

fn private_key(pem: &str) -> Result<RsaKeyPair, ServiceAccountFormatError> {
    let wrong = || wrong("private_key", "an RSA key as PKCS#8 in PEM");
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| wrong())?;
    RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).map_err(|_| wrong())
}

const fn wrong(name: &'static str, expected: &'static str) -> ServiceAccountFormatError {
    ServiceAccountFormatError::Field { name, expected }
}

#[derive(Serialize)]
struct AssertionHeader<'account> {
    alg: &'static str,
    typ: &'static str,
    kid: &'account str,
}

#[derive(Serialize)]
struct AssertionClaims<'account> {
    iss: &'account str,
    scope: &'static str,
    aud: &'account str,
    iat: i64,
    exp: i64,
}

fn encode(part: &impl Serialize) -> Option<String> {
    let json = serde_json::to_vec(part).ok()?;
    Some(URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests;
