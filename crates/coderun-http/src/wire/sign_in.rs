//! Encodes how people sign in on the page.

use serde::Serialize;

use crate::SignIn;

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
