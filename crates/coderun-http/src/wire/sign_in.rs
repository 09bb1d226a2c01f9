//! Encodes how people sign in on the page, and the token that it is given.

use serde::Serialize;

use crate::{DevelopmentToken, SignIn};

/// How people sign in on the page.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum SignInRecord<'a> {
    /// The page asks this server for a token.
    Development,
    /// With Firebase.
    Firebase {
        api_key: &'a str,
        auth_domain: &'a str,
        project_id: &'a str,
    },
    /// With the Auth emulator.
    Emulator { host: &'a str, project_id: &'a str },
}

impl<'a> From<&'a SignIn> for SignInRecord<'a> {
    fn from(sign_in: &'a SignIn) -> Self {
        match sign_in {
            SignIn::Development(_) => Self::Development,
            SignIn::Firebase {
                api_key,
                auth_domain,
                project_id,
            } => Self::Firebase {
                api_key,
                auth_domain,
                project_id,
            },
            SignIn::Emulator { host, project_id } => Self::Emulator { host, project_id },
        }
    }
}

/// The answer to a request for a development token.
#[derive(Serialize)]
pub(crate) struct IssuedToken<'a> {
    token: &'a str,
    /// In seconds.
    expires_in: u64,
}

impl<'a> From<&'a DevelopmentToken> for IssuedToken<'a> {
    fn from(issued: &'a DevelopmentToken) -> Self {
        Self {
            token: issued.token.expose(),
            expires_in: issued.lifetime.as_secs(),
        }
    }
}
