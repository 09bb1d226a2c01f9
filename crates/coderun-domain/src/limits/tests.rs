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
