//! Provides values for tests: a manual clock, sequential ids and one valid example of everything.

#![expect(clippy::expect_used, reason = "a test with a wrong value must fail")]

mod collecting_io;
mod instant_runner;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    ByteSize, Clock, EndedWithoutRun, Enforcement, Execution, ExecutionId, ExitStatus, IdGenerator,
    Language, LanguageCatalog, LanguageLimits, LanguageSpec, LimitPolicy, Limits, Outcome, Output,
    QuotaUsage, Report, RunnerProfile, StageLimits, StorageLimits, StorePolicy, Submission,
    SubmissionDraft, SubmissionPolicy, SubmitReply, Submitted, TakeFor, Usage, UserId, Verdict,
    WorkerId, WorkerOffer,
};

pub use collecting_io::CollectingIo;
pub use instant_runner::InstantRunner;

/// A clock that moves only when told to.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<OffsetDateTime>,
}

impl ManualClock {
    /// A clock that shows this time.
    #[must_use]
    pub const fn new(now: OffsetDateTime) -> Self {
        Self {
            now: Mutex::new(now),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.now.lock() += by;
    }

    /// Moves the clock to a time, forward or back.
    pub fn set(&self, to: OffsetDateTime) {
        *self.now.lock() = to;
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new(at(0))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        *self.now.lock()
    }
}

/// Ids that count from 1.
#[derive(Debug, Default)]
pub struct SequentialIds {
    last: AtomicU64,
}

impl IdGenerator for SequentialIds {
    fn execution_id(&self, _user: &UserId) -> ExecutionId {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        execution_id(number.into())
    }

    fn secret(&self) -> [u8; 32] {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut secret = [0; 32];
        for (place, byte) in secret.iter_mut().rev().zip(number.to_le_bytes()) {
            *place = byte;
        }
        secret
    }
}

/// Every user, without a bound on the share of one.
pub const EVERYONE: TakeFor = TakeFor::Everyone { share: u32::MAX };

/// The id with this number.
#[must_use]
pub const fn execution_id(number: u128) -> ExecutionId {
    ExecutionId::from_uuid(Uuid::from_u128(number))
}

/// A fixed day, so many seconds in.
#[must_use]
pub fn at(second: u32) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000 + u64::from(second))
}

/// A user of this name.
///
/// # Panics
/// If the name cannot be a user id.
#[must_use]
pub fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a valid user id")
}

/// The language of this name.
///
/// # Panics
/// If the name cannot be a language.
#[must_use]
pub fn language(name: &str) -> Language {
    Language::parse(name).expect("a valid language name")
}

/// Python and C.
#[must_use]
pub fn catalog() -> LanguageCatalog {
    let spec = |name: &str, alias: &str, version: &str, entry_file: &str| LanguageSpec {
        language: language(name),
        aliases: vec![alias.to_owned()],
        versions: vec![version.to_owned()],
        entry_file: entry_file.to_owned(),
        example: String::new(),
        limits: LanguageLimits::default(),
    };
    LanguageCatalog::new(vec![
        spec("python", "py", "3.11.2", "main.py"),
        spec("c", "gcc", "12.2.0", "main.c"),
    ])
}

/// The offer of a worker of this name: Python and C, within the limits of the contract.
///
/// # Panics
/// If the name cannot be a worker id.
#[must_use]
pub fn worker_offer(name: &str) -> WorkerOffer {
    WorkerOffer {
        worker: WorkerId::parse(name).expect("a valid worker id"),
        runner: RunnerProfile {
            name: "test".to_owned(),
            enforcement: Enforcement::default(),
            interactive: true,
            ignores_buffering: false,
        },
        languages: catalog().specs().to_vec(),
        unavailable: Vec::new(),
        limits: limit_policy(),
        concurrency: 2,
        outage: None,
    }
}

/// The limits of the contract.
#[must_use]
pub fn limit_policy() -> LimitPolicy {
    LimitPolicy::new(limits(5, 15, 256, 1), limits(15, 60, 1024, 4))
}

fn limits(cpu: u64, wall: u64, memory_mib: u64, output_mib: u64) -> Limits {
    let stage = |cpu, wall, memory_mib| {
        let (cpu, wall) = (Duration::from_secs(cpu), Duration::from_secs(wall));
        StageLimits::new(cpu, wall, ByteSize::from_mib(memory_mib), 64).expect("no zero")
    };
    let output = ByteSize::from_mib(output_mib);
    let (file, disk) = (ByteSize::from_mib(16), ByteSize::from_mib(64));
    Limits {
        run: stage(cpu, wall, memory_mib),
        compile: stage(15, 30, 1024),
        storage: StorageLimits::new(output, file, disk, 256).expect("no zero"),
    }
}

/// The submission limits of the contract.
#[must_use]
pub fn submission_policy() -> SubmissionPolicy {
    SubmissionPolicy {
        code_max: ByteSize::from_kib(256),
        input_max: ByteSize::from_mib(1),
        args_max: 64,
        arg_max: ByteSize::from_kib(4),
        files_max: 50,
        files_total_max: ByteSize::from_mib(1),
        limits: limit_policy(),
        interactive_wall_time: Some(Duration::from_mins(5)),
    }
}

/// The store limits of the contract.
#[must_use]
pub const fn store_policy() -> StorePolicy {
    StorePolicy {
        retention: Duration::from_hours(1),
        pending_max: 10_000,
        user_pending_max: 100,
        user_running_max: 8,
        user_submits_per_minute: 120,
        live_bytes_max: ByteSize::from_mib(256),
        queue_deadline: Duration::from_mins(10),
        no_worker_deadline: Duration::from_mins(1),
        lease: Duration::from_secs(10),
        attempts_max: 3,
        run_grace: Duration::from_secs(20),
    }
}

/// The reply to a first submission that waits.
#[must_use]
pub const fn accepted() -> SubmitReply {
    SubmitReply {
        submitted: Submitted::Accepted,
        usage: QuotaUsage {
            submits: 1,
            submits_reset: Duration::from_mins(1),
            pending: 1,
        },
    }
}

/// A good draft in Python.
#[must_use]
pub fn draft() -> SubmissionDraft {
    SubmissionDraft {
        code: "print('hello')".to_owned(),
        language: "python".to_owned(),
        input: "the input".to_owned(),
        ..SubmissionDraft::default()
    }
}

/// A good submission of this user.
///
/// # Panics
/// If the draft is not good after all.
#[must_use]
pub fn submission(user: UserId, draft: SubmissionDraft) -> Submission {
    Submission::parse(user, draft, &catalog(), &submission_policy()).expect("a valid submission")
}

/// A pending execution of `alice`.
#[must_use]
pub fn execution() -> Execution {
    let submission = submission(user("alice"), draft());
    Execution::submit(execution_id(1), submission, at(0))
}

/// A pending execution of `alice` that takes input while it runs.
#[must_use]
pub fn interactive_execution() -> Execution {
    let draft = SubmissionDraft {
        interactive: true,
        ..draft()
    };
    Execution::submit(execution_id(1), submission(user("alice"), draft), at(0))
}

/// A report with this verdict and nothing else of note.
#[must_use]
pub fn report(verdict: Verdict) -> Report {
    Report {
        verdict,
        exit_status: Some(ExitStatus::Exited(i32::from(!verdict.is_success()))),
        usage: Usage {
            cpu_time: Some(Duration::from_millis(45)),
            wall_time: Some(Duration::from_millis(51)),
            memory: Some(ByteSize::from_bytes(2_100_000)),
        },
        compile: None,
        language_version: Some("3.11.2".to_owned()),
        runner: "test".to_owned(),
        enforcement: Enforcement::default(),
        hint: None,
    }
}

/// The outcome of a run that ended well.
#[must_use]
pub fn finished() -> Outcome {
    Outcome::of_run(
        report(Verdict::Accepted),
        Output::complete("the output\n"),
        Output::default(),
        None,
    )
}

/// The outcome of an execution that the service could not run.
#[must_use]
pub fn failed() -> Outcome {
    Outcome::without_run(EndedWithoutRun::Failed, "the runner was away")
}
