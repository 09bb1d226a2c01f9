use super::*;
use crate::protocol::ProgramEnd;

fn limits() -> StageLimits {
    let second = Duration::from_secs(1);
    StageLimits::new(second, second, ByteSize::from_mib(1), 8).unwrap()
}

/// A stage that ended by itself with this status.
fn ended(wait_status: i32) -> StageEnd {
    StageEnd {
        stopped: None,
        is_gone: true,
        launcher_hangs: false,
        program: Some(ProgramEnd {
            wait_status,
            setup_cpu: Duration::from_millis(2),
            wall: Duration::from_millis(5),
            cpu: Duration::from_millis(3),
            peak_bytes: 4096,
            has_left_processes: false,
            landlock: true,
        }),
        wall: Duration::from_millis(9),
        sampled: GroupUsage::default(),
    }
}

fn stopped(reason: StopReason) -> StageEnd {
    StageEnd {
        stopped: Some(reason),
        program: None,
        ..ended(0)
    }
}

fn verdict(end: &StageEnd, counted: GroupUsage) -> Verdict {
    judge(end, counted, &limits(), &StderrTail::default()).verdict
}

#[test]
fn a_program_that_ends_by_itself_is_judged_by_its_ending() {
    let none = GroupUsage::default();
    assert_eq!(verdict(&ended(0), none), Verdict::Accepted);
    assert_eq!(verdict(&ended(3 << 8), none), Verdict::RuntimeError);
    assert_eq!(verdict(&ended(libc::SIGSEGV), none), Verdict::RuntimeError);
    // It has not used its time, so it sent that signal to itself.
    assert_eq!(verdict(&ended(libc::SIGXCPU), none), Verdict::RuntimeError);
    assert_eq!(
        verdict(&ended(libc::SIGSYS), none),
        Verdict::SecurityViolation
    );
}

#[test]
fn what_the_group_counted_comes_before_the_exit_code() {
    let memory = GroupUsage {
        memory_kills: 1,
        ..GroupUsage::default()
    };
    let processes = GroupUsage {
        processes_refused: 1,
        ..GroupUsage::default()
    };
    let cpu = GroupUsage {
        cpu: Some(Duration::from_secs(2)),
        ..GroupUsage::default()
    };
    assert_eq!(verdict(&ended(1 << 8), memory), Verdict::MemoryLimit);
    assert_eq!(verdict(&ended(1 << 8), processes), Verdict::ProcessLimit);
    assert_eq!(verdict(&ended(0), cpu), Verdict::TimeLimit);
    let late = stopped(StopReason::WallTime);
    assert_eq!(verdict(&late, memory), Verdict::MemoryLimit);
}

#[test]
fn a_cancellation_and_a_flood_are_never_anything_else() {
    let memory = GroupUsage {
        memory_kills: 1,
        ..GroupUsage::default()
    };
    let cancelled = stopped(StopReason::Cancelled);
    assert_eq!(verdict(&cancelled, memory), Verdict::Cancelled);
    let flood = stopped(StopReason::Output);
    assert_eq!(verdict(&flood, memory), Verdict::OutputLimit);
}

#[test]
fn a_program_that_cannot_be_frozen_has_met_no_limit_and_is_told_why_it_ended() {
    let end = stopped(StopReason::NotFrozen);
    let none = GroupUsage::default();
    let judgement = judge(&end, none, &limits(), &StderrTail::default());
    assert_eq!(judgement.verdict, Verdict::RuntimeError);
    let hint = judgement.hint.unwrap();
    assert!(hint.contains("continued itself"), "{hint}");
}

#[test]
fn building_the_sandbox_costs_the_program_nothing() {
    let counted = GroupUsage {
        cpu: Some(Duration::from_millis(10)),
        ..GroupUsage::default()
    };
    let usage = usage(&ended(0), counted, &limits());
    assert_eq!(usage.cpu_time, Some(Duration::from_millis(8)));
    assert_eq!(usage.wall_time, Some(Duration::from_millis(5)));
}

#[test]
fn without_a_group_what_was_reaped_counts() {
    let usage = usage(&ended(0), GroupUsage::default(), &limits());
    assert_eq!(usage.cpu_time, Some(Duration::from_millis(3)));
    assert_eq!(usage.memory, Some(ByteSize::from_bytes(4096)));
}

#[test]
fn a_program_that_was_killed_with_its_sandbox_was_killed() {
    let exit_status = exit_status(&stopped(StopReason::WallTime));
    assert_eq!(exit_status, ExitStatus::Signaled(Signal::KILL));
}
