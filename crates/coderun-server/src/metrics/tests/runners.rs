//! What is measured of runners, and of tokens.

use std::sync::Arc;

use coderun_domain::testing::{execution, report, user};
use coderun_domain::{
    BearerToken, CodeRunner as _, Enforcement, MockCodeRunner, MockRunIo, MockTokenVerifier,
    Principal, Report, RunRequest, RunnerError, RunnerProfile, TokenVerifier as _, Verdict,
    VerifyError,
};
use time::OffsetDateTime;

use crate::metrics::testing::Measured;
use crate::metrics::{MeasuredCodeRunner, MeasuredTokenVerifier};

fn request() -> RunRequest {
    let execution = execution();
    RunRequest {
        id: execution.id(),
        attempt: execution.attempt(),
        submission: Arc::clone(execution.submission()),
    }
}

async fn run(answer: fn() -> Result<Report, RunnerError>) {
    let mut inner = MockCodeRunner::new();
    inner.expect_profile().returning(|| RunnerProfile {
        name: "sandbox".to_owned(),
        enforcement: Enforcement::default(),
        interactive: false,
    });
    inner.expect_run().returning(move |_, _| answer());
    let runner = MeasuredCodeRunner::new(Arc::new(inner));
    assert_eq!(runner.profile().name, "sandbox");
    let result = runner.run(request(), &mut MockRunIo::new()).await;
    assert_eq!(result.is_ok(), answer().is_ok());
}

#[test]
fn a_run_is_measured_by_language_whatever_the_program_did() {
    let measured = Measured::during(async {
        run(|| Ok(report(Verdict::Accepted))).await;
        run(|| Ok(report(Verdict::RuntimeError))).await;
    });
    assert_eq!(
        measured.lines("coderun_runner_duration_seconds_count"),
        [r#"coderun_runner_duration_seconds_count{language="python",runner="sandbox"} 2"#]
    );
    assert_eq!(measured.lines("coderun_runner_failures_total"), [""; 0]);
}

#[test]
fn what_a_runner_fails_at_is_counted_by_kind() {
    let measured = Measured::during(async {
        run(|| Err(RunnerError::Overloaded { retry_after: None })).await;
        run(|| {
            Err(RunnerError::Broken {
                backend: "sandbox",
                source: "nonsense".into(),
            })
        })
        .await;
    });
    assert_eq!(
        measured.lines("coderun_runner_failures_total"),
        [
            r#"coderun_runner_failures_total{kind="broken",runner="sandbox"} 1"#,
            r#"coderun_runner_failures_total{kind="overloaded",runner="sandbox"} 1"#,
        ]
    );
    assert_eq!(
        measured.lines("coderun_runner_duration_seconds_count"),
        [""; 0]
    );
}

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
