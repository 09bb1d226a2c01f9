//! Holds a bearer token and the user that it identifies.

use std::fmt;

use time::OffsetDateTime;

use crate::UserId;

/// A bearer token as received: secret and not verified. `Debug` shows the length only.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

impl BearerToken {
    /// Wraps a token.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token itself, for verifiers only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken")
            .field("length_bytes", &self.0.len())
            .finish()
    }
}

/// A user whose token was verified, and until when that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The user's id.
    pub user: UserId,
    /// The expiry of the token. It authorises nothing after that, plus the skew allowed for clocks.
    pub expires_at: OffsetDateTime,
    /// The user's e-mail address, if the token has one.
    pub email: Option<String>,
    /// The user's name, if the token has one.
    pub name: Option<String>,
    /// Whether the address was verified, if the token says so.
    pub email_verified: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_shown() {
        let token = BearerToken::new("hush.hush.hush");
        assert_eq!(format!("{token:?}"), "BearerToken { length_bytes: 14 }");
    }
}
