//! Looks up the current state of users, which a token from an hour ago does not say.

mod account;
mod answer;
mod circuit_breaker;
mod google;
mod lookup;
mod lookup_error;
mod remote;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use account::AccountId;
pub use google::{AccountLookupConfig, AccountLookupError};
pub use lookup::{AccountLookup, CachePolicy};
pub(crate) use remote::{Credentials, RemoteAccounts};
