use coderun_domain::FailureKind;
use rstest::rstest;

use super::*;

#[rstest]
#[case(FailureKind::Invalid, 422)]
#[case(FailureKind::TooLarge, 413)]
#[case(FailureKind::Unauthenticated, 401)]
#[case(FailureKind::Forbidden, 403)]
#[case(FailureKind::Absent, 404)]
#[case::a_429_names_its_quota(FailureKind::RateLimited, 503)]
#[case(FailureKind::Overloaded, 503)]
#[case(FailureKind::Unavailable, 503)]
#[case(FailureKind::Bug, 500)]
fn each_kind_of_failure_has_its_status(#[case] kind: FailureKind, #[case] expected: u16) {
    assert_eq!(Problem::of_kind(kind).status_code().as_u16(), expected);
}

#[rstest]
#[case(Duration::ZERO, 1)]
#[case(Duration::from_millis(1), 1)]
#[case(Duration::from_secs(1), 1)]
#[case(Duration::from_millis(1_001), 2)]
fn retry_after_is_rounded_up_and_never_zero(#[case] after: Duration, #[case] expected: u64) {
    assert_eq!(whole_seconds(after), expected);
}
