//! How tokens are judged.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use coderun_domain::{BearerToken, Principal, TokenVerifier, VerifyError};
use metrics::{Counter, counter};

use super::catalog::TOKEN_VERIFICATIONS;

/// A verifier whose judgements are counted.
pub(crate) struct MeasuredTokenVerifier {
    inner: Arc<dyn TokenVerifier>,
    accepted: OnceLock<Counter>,
}

impl MeasuredTokenVerifier {
    pub(crate) fn new(inner: Arc<dyn TokenVerifier>) -> Self {
        Self {
            inner,
            accepted: OnceLock::new(),
        }
    }
}

fn judged(result: &'static str) -> Counter {
    counter!(TOKEN_VERIFICATIONS, "result" => result)
}

#[async_trait]
impl TokenVerifier for MeasuredTokenVerifier {
    async fn verify(&self, token: &BearerToken) -> Result<Principal, VerifyError> {
        let result = self.inner.verify(token).await;
        match &result {
            Ok(_) => {
                let accepted = self.accepted.get_or_init(|| judged("accepted"));
                accepted.increment(1);
            }
            Err(error) => judged(error.reason()).increment(1),
        }
        result
    }

    async fn check(&self) -> Result<(), VerifyError> {
        self.inner.check().await
    }
}

impl fmt::Debug for MeasuredTokenVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
