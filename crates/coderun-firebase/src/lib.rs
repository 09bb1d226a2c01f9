//! Knows users by their Firebase ID tokens, and issues such tokens itself for development.
//!
//! [`FirebaseTokenVerifier`] is the adapter of the [`TokenVerifier`](coderun_domain::TokenVerifier) port. It judges a
//! token in steps, the cheap ones first and RSA last: its form, its header, its claims, its key, its signature.
//! The keys come from a [`KeySource`]; where that has them from is no concern of the verifier.
//! [`DevelopmentIssuer`] signs tokens with a key of its own, which the very same verifier judges by the same rules.
//!
//! This crate reads neither the environment nor the clock: settings, directories and time are parameters.
//!
//! ```
//! use std::sync::Arc;
//!
//! use coderun_domain::testing::{self, ManualClock};
//! use coderun_domain::{Clock, TokenVerifier};
//! use coderun_firebase::{DevelopmentIssuer, TokenRequest};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let state_directory = tempfile::tempdir()?;
//! let clock = Arc::new(ManualClock::default());
//! let issuer = DevelopmentIssuer::open(state_directory.path())?;
//! let token = issuer.issue(&TokenRequest::new(testing::user("alice")), clock.now())?;
//!
//! let principal = issuer.verifier(clock).verify(&token).await?;
//! assert_eq!(principal.user.as_str(), "alice");
//! # Ok(())
//! # }
//! ```

#![warn(clippy::future_not_send)]

mod claims;
mod config;
mod development;
mod header;
mod json;
mod keys;
mod parse;
#[cfg(test)]
mod testing;
mod verifier;

pub use config::{
    AnonymousUsers, ClockSkew, ConfigError, EmailPolicy, Issuer, ProjectId, SignInProviders,
    TenantPolicy, UserPolicy, VerifierConfig,
};
pub use development::{DevelopmentIssuer, IssuerError, TokenRequest, UnsafePath};
pub use keys::{
    KeyId, KeyIdError, KeySet, KeySetError, KeySource, KeysUnavailable, RsaPublicKey, StaticKeys,
};
pub use verifier::{FirebaseTokenVerifier, install_crypto_provider};
