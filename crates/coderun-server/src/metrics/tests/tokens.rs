//! What is measured of tokens.

use std::sync::Arc;

use coderun_domain::testing::user;
use coderun_domain::{BearerToken, MockTokenVerifier, Principal, TokenVerifier as _, VerifyError};
use time::OffsetDateTime;

use crate::metrics::MeasuredTokenVerifier;
use crate::metrics::testing::Measured;

#[test]
fn tokens_are_counted_by_judgement_and_nobody_is_named() {
    let measured = Measured::during(async {
        let mut inner = MockTokenVerifier::new();
        inner.expect_verify().times(2).returning(|_| {
            Ok(Principal {
                user: user("alice"),
                expires_at: OffsetDateTime::UNIX_EPOCH,
                email: None,
                name: None,
                email_verified: None,
            })
        });
        inner
            .expect_verify()
            .returning(|_| Err(VerifyError::Expired));
        let verifier = MeasuredTokenVerifier::new(Arc::new(inner));
        for _ in 0..3 {
            drop(verifier.verify(&BearerToken::new("hush")).await);
        }
    });
    assert_eq!(
        measured.lines("coderun_token_verifications_total"),
        [
            r#"coderun_token_verifications_total{result="accepted"} 2"#,
            r#"coderun_token_verifications_total{result="expired"} 1"#,
        ]
    );
    let text = measured.text();
    assert!(!text.contains("alice") && !text.contains("hush"), "{text}");
}
