//! Tests that a killed program which the kernel is slow to end harms nobody.

use std::fs;
use std::num::NonZero;
use std::time::Duration;

use coderun_conformance::slowness;
use coderun_domain::{RunnerError, Verdict};

use crate::support::{HeldSandbox, SOON, TestSandbox, control_groups_of, program};

#[tokio::test]
async fn a_program_that_is_slow_to_die_costs_its_own_slot_alone() {
    let sandbox = TestSandbox::with(|config| {
        config.slots = 2;
        config.slot_wait = Duration::from_millis(100);
        config.run_millicores = NonZero::new(1500);
    })
    .await;
    let honest = sandbox.try_run(program("bash", "sleep 1000").wall(SOON * slowness()));
    let wall_limit = Duration::from_secs(2) * slowness();
    let hostile = program("bash", "sleep 2000").wall(wall_limit);
    let hostile_run = async {
        let (ran, held) = tokio::join!(
            sandbox.run_program(hostile),
            HeldSandbox::of("sleep\x002000")
        );
        assert_eq!(ran.report.verdict, Verdict::TimeLimit);
        let wall = ran.report.usage.wall_time.unwrap();
        assert!(
            wall < wall_limit + Duration::from_secs(2),
            "with its death: {wall:?}"
        );
        let refused = sandbox.try_run(program("bash", "echo early")).await;
        let is_overloaded = matches!(refused, Err(RunnerError::Overloaded { .. }));
        assert!(is_overloaded, "the slot was given to another: {refused:?}");
        let quotas = processor_quotas();
        let unbounded = quotas
            .iter()
            .filter(|it| it.starts_with("-1") || it.starts_with("max"));
        assert_eq!(unbounded.count(), quotas.len() / 2, "{quotas:?}");
        held.release();
    };
    tokio::select! {
        biased;
        ended = honest => panic!("it ended with another user's program: {ended:?}"),
        () = hostile_run => {}
    }
    assert_eq!(sandbox.run("bash", "echo after").await.stdout(), "after\n");
}

/// The quotas of processor time of this test's programs, where they have any.
fn processor_quotas() -> Vec<String> {
    let groups = control_groups_of(std::process::id()).into_iter();
    let quotas = groups.flat_map(|group| ["cpu.cfs_quota_us", "cpu.max"].map(|it| group.join(it)));
    quotas
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect()
}
