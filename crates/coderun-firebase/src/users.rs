//! Looks up the current state of users, which a token from an hour ago does not say.

mod account;
mod answer;
mod circuit_breaker;
mod google;
mod identity_toolkit;
mod lookup;
mod lookup_error;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use account::AccountId;
pub use google::{AccountLookupConfig, AccountLookupError};
pub(crate) use identity_toolkit::{Credentials, IdentityToolkit};
pub use lookup::{AccountLookup, CachePolicy};
