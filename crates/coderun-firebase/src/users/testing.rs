//! Makes accounts and the file of a service account, for tests.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coderun_domain::VerifyError;
use coderun_domain::testing::{at, user};
use serde_json::{Value, json};

pub(crate) use super::account::Account;
pub(crate) use super::lookup::AccountSource;
pub(crate) use super::lookup_error::LookupError;
use super::{AccountId, AccountLookup};
use crate::config::TenantId;
use crate::testing::{PROJECT, key};

/// The private key of [`key`], as it stands in the file of a service account.
pub(crate) fn private_key_pem() -> String {
    let der: Pkcs8V1Der<'_> = key().as_der().unwrap();
    let text = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

/// The file of a service account whose tokens are issued here.
pub(crate) fn account_file(token_uri: &str) -> Value {
    json!({
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "account-key",
        "private_key": private_key_pem(),
        "client_email": "coderun@demo-project.iam.gserviceaccount.com",
        "client_id": "1",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
    })
}

/// A user of the project, or of a tenant in it.
pub(crate) fn account_id(name: &str, tenant: Option<&str>) -> AccountId {
    AccountId {
        user: user(name),
        tenant: tenant.map(|id| TenantId::parse(id).unwrap()),
    }
}

/// Checks that this user, who signed in at second 10, may still use the service.
pub(crate) async fn check(lookup: &AccountLookup, name: &str) -> Result<(), VerifyError> {
    lookup.check_sign_in(account_id(name, None), at(10)).await
}

/// `admitted`, or the reason for which the user is not.
pub(crate) async fn verdict(lookup: &AccountLookup, name: &str) -> &'static str {
    let checked = check(lookup, name).await;
    checked.map_or_else(|error| error.reason(), |()| "admitted")
}
