//! Verifies Firebase ID tokens, and issues such tokens itself for development.
//!
//! [`FirebaseTokenVerifier`] is the adapter of the [`TokenVerifier`](coderun_domain::TokenVerifier) port. It verifies a
//! token in steps, the cheap ones first and RSA last: its form, its header, its claims, its key, its signature.
//! The keys come from a [`KeySource`]. An [`AccountLookup`] asks Google whether the user of a good token
//! was disabled, or their sessions ended, after the token was issued. [`EmulatorTokenVerifier`] is another adapter of
//! the port, for the unsigned tokens of the Auth emulator; it has only the rules for claims in common with the first.
//! [`DevelopmentIssuer`] signs tokens with a key of its own; the same verifier accepts them by the same rules.
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
mod emulator;
mod header;
mod http_client;
mod keys;
pub mod metrics;
mod parse;
mod private_file;
mod refreshing;
mod service_account;
mod signing;
mod start_error;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod users;
mod verifier;

pub use config::{
    AnonymousUsers, BoundedDuration, ClockSkew, ConfigError, EmailPolicy, Endpoint, EndpointError,
    Issuer, KeyId, ProjectId, SignInProviders, StaleKeyBound, TenantId, TenantPolicy, UserPolicy,
    VerifierConfig,
};
pub use development::{DevelopmentIssuer, IssuerError, TokenRequest};
pub use emulator::{
    EmulatorConfig, EmulatorError, EmulatorHost, EmulatorProjects, EmulatorTokenVerifier,
};
pub use keys::{
    HttpKeySource, HttpKeysConfig, KeySet, KeySetError, KeySource, KeysUrlError, RsaPublicKey,
    StaticKeys,
};
pub use private_file::PrivateFileError;
pub use service_account::{ServiceAccount, ServiceAccountError, ServiceAccountFormatError};
pub use start_error::StartError;
pub use users::{AccountLookup, AccountLookupConfig, AccountLookupError, CachePolicy};
pub use verifier::{FirebaseTokenVerifier, install_crypto_provider};
