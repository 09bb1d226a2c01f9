//! Fakes a verifier: the token is the user's name, and some names fail. `name@5` expires in second 5.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use coderun_domain::testing::{at, user};
use coderun_domain::{BearerToken, Principal, TokenVerifier, VerifyError};
use tokio::sync::Notify;

use super::until;

#[derive(Debug, Default)]
pub(crate) struct NameVerifier {
    waiting: AtomicUsize,
    /// Lets one verification of `patient` go on.
    pub(crate) release: Notify,
}

impl NameVerifier {
    /// Waits until one verification of `slow` or `patient` is under way.
    pub(crate) async fn is_waiting(&self) {
        until(|| self.waiting.load(Ordering::SeqCst) == 1).await;
    }
}

#[async_trait]
impl TokenVerifier for NameVerifier {
    async fn verify(&self, token: &BearerToken) -> Result<Principal, VerifyError> {
        match token.expose() {
            "expired" => Err(VerifyError::Expired),
            "forged" => Err(VerifyError::Signature),
            "banned" => Err(VerifyError::Forbidden),
            "disabled" => Err(VerifyError::UserDisabled),
            "revoked" => Err(VerifyError::Revoked),
            "deleted" => Err(VerifyError::UserNotFound),
            "users-down" => Err(VerifyError::UsersUnavailable {
                retry_after: Duration::from_secs(4),
                source: "connection refused".into(),
            }),
            "keys-down" => Err(VerifyError::KeysUnavailable {
                retry_after: Duration::from_millis(2_500),
                source: "connection refused".into(),
            }),
            "slow" => {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                pending().await
            }
            "patient" => {
                self.waiting.fetch_add(1, Ordering::SeqCst);
                self.release.notified().await;
                Ok(principal("patient"))
            }
            "defect" => panic!("a defect with a secret"),
            text if text.contains('@') => {
                let (name, seconds) = text.split_once('@').unwrap_or_default();
                Ok(Principal {
                    expires_at: at(seconds.parse().unwrap()),
                    ..principal(name)
                })
            }
            name if name.ends_with("-forged") => Err(VerifyError::Signature),
            long if long.len() > 8_192 => Err(VerifyError::Malformed),
            name => Ok(principal(name)),
        }
    }

    async fn check(&self) -> Result<(), VerifyError> {
        Ok(())
    }
}

/// The user of this name.
fn principal(name: &str) -> Principal {
    let known = name == "alice";
    Principal {
        user: user(name),
        expires_at: at(3_600),
        email: known.then(|| format!("{name}@example.com")),
        name: known.then(|| "Alice A.".to_owned()),
        email_verified: known.then_some(true),
    }
}
