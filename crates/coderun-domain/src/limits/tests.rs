use rstest::rstest;

use super::*;
use crate::testing::limit_policy;

#[test]
fn a_limit_that_is_not_requested_has_its_default() {
    let policy = limit_policy();
    let limits = policy.resolve(&RequestedLimits::default()).unwrap();
    assert_eq!(limits, *policy.default_limits());
}

#[test]
fn the_maximum_is_granted_and_one_more_is_refused() {
    let policy = limit_policy();
    let max = policy.maximum_limits().run.memory().as_bytes();
    let requesting = |memory_bytes| RequestedLimits {
        memory_bytes: Some(memory_bytes),
        ..RequestedLimits::default()
    };
    assert_eq!(
        policy
            .resolve(&requesting(max))
            .unwrap()
            .run
            .memory()
            .as_bytes(),
        max
    );
    assert_eq!(
        policy
            .resolve(&requesting(max + 1))
            .unwrap_err()
            .to_string(),
        format!("limits.memory_bytes must be at most {max}")
    );
}

#[test]
fn every_bad_limit_is_named() {
    let requested = RequestedLimits {
        cpu_time_ms: Some(0),
        wall_time_ms: Some(u64::MAX),
        memory_bytes: Some(0),
        output_bytes: Some(u64::MAX),
        processes: Some(u64::MAX),
    };
    let error = limit_policy().resolve(&requested).unwrap_err();
    let fields = error.errors().iter().map(|error| error.field.to_string());
    assert_eq!(
        fields.collect::<Vec<_>>(),
        [
            "limits.cpu_time_ms",
            "limits.wall_time_ms",
            "limits.memory_bytes",
            "limits.processes",
            "limits.output_bytes"
        ]
    );
}

#[test]
fn a_zero_limit_cannot_be_made() {
    let second = Duration::from_secs(1);
    let memory = ByteSize::from_mib(1);
    assert_eq!(
        StageLimits::new(second, Duration::ZERO, memory, 1),
        Err(ZeroLimit { name: "wall_time" })
    );
    assert!(StorageLimits::new(memory, memory, memory, 0).is_err());
}

#[test]
fn the_lower_of_two_policies_allows_what_both_allow() {
    let seconds = Duration::from_secs;
    let stage = |cpu, memory_mib| {
        let memory = ByteSize::from_mib(memory_mib);
        StageLimits::new(seconds(cpu), seconds(60), memory, 64).unwrap()
    };
    let wide = limit_policy();
    let default = *wide.default_limits();
    let maximum = Limits {
        run: stage(3, 4096),
        compile: stage(99, 1),
        ..*wide.maximum_limits()
    };
    let lowest = wide.lowered_to(&LimitPolicy::new(default, maximum));
    assert_eq!(lowest.maximum_limits().run, stage(3, 1024));
    assert_eq!(
        lowest.maximum_limits().compile.memory(),
        ByteSize::from_mib(1)
    );
    assert_eq!(
        lowest.maximum_limits().compile.cpu_time(),
        wide.maximum_limits().compile.cpu_time()
    );
    assert_eq!(lowest.default_limits().run.cpu_time(), seconds(3));
}

/// A language with this default and this minimum of memory, in MiB.
fn language_limits(default: Option<u64>, minimum: Option<u64>) -> LanguageLimits {
    let memory = |mib: Option<u64>| RequestedLimits {
        memory_bytes: mib.map(|mib| mib << 20),
        ..RequestedLimits::default()
    };
    LanguageLimits {
        default: memory(default),
        minimum: memory(minimum),
    }
}

#[rstest]
#[case::of_the_service(None, None, 256)]
#[case::of_the_language(Some(512), None, 512)]
#[case::lower_than_that_of_the_service(Some(64), None, 64)]
#[case::at_least_the_minimum(None, Some(300), 300)]
#[case::at_least_the_minimum_of_the_language(Some(100), Some(300), 300)]
#[case::at_most_the_maximum_of_the_service(Some(4096), Some(2048), 1024)]
#[case::never_zero(Some(0), Some(0), 0)]
fn a_language_has_its_default(
    #[case] default: Option<u64>,
    #[case] minimum: Option<u64>,
    #[case] expected_mib: u64,
) {
    let policy = limit_policy().for_language(&language_limits(default, minimum));
    let limits = policy.resolve(&RequestedLimits::default()).unwrap();
    let expected = Limits {
        run: StageLimits {
            memory: ByteSize::from_bytes((expected_mib << 20).max(1)),
            ..limit_policy().default.run
        },
        ..limit_policy().default
    };
    assert_eq!(limits, expected);
    assert_eq!(policy.maximum_limits(), limit_policy().maximum_limits());
}

#[rstest]
#[case::one_byte_too_little(Some(300), (300 << 20) - 1, Some(300 << 20))]
#[case::just_enough(Some(300), 300 << 20, None)]
#[case::below_a_minimum_above_the_maximum(Some(2048), (1024 << 20) - 1, Some(1024 << 20))]
#[case::the_maximum_below_that_minimum(Some(2048), 1024 << 20, None)]
#[case::without_a_minimum(None, 1, None)]
fn less_than_a_language_needs_is_refused(
    #[case] minimum: Option<u64>,
    #[case] requested: u64,
    #[case] least: Option<u64>,
) {
    let policy = limit_policy().for_language(&language_limits(None, minimum));
    let requested = RequestedLimits {
        memory_bytes: Some(requested),
        ..RequestedLimits::default()
    };
    let message = policy
        .resolve(&requested)
        .err()
        .map(|error| error.to_string());
    let expected = least.map(|least| format!("limits.memory_bytes must be at least {least}"));
    assert_eq!(message, expected);
}

#[test]
fn two_workers_with_a_language_give_it_the_higher_limits() {
    let one = language_limits(Some(1), Some(4));
    let other = language_limits(Some(2), None);
    let both = language_limits(Some(2), Some(4));
    assert_eq!(one.raised_to(&other), both);
    assert_eq!(other.raised_to(&one), both);
}

#[test]
fn a_time_that_is_not_changed_stays_exact() {
    let exact = Duration::from_micros(1500);
    let limits = limit_policy().default;
    let stage = StageLimits::new(exact, exact, limits.run.memory, 1).unwrap();
    let limits = Limits {
        run: stage,
        ..limits
    };
    let policy = LimitPolicy::new(limits, limits).for_language(&LanguageLimits::default());
    assert_eq!(policy.resolve(&RequestedLimits::default()), Ok(limits));
}
