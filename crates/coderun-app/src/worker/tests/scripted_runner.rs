//! Provides a runner that plays a script.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::testing::{catalog, report};
use coderun_domain::{
    CodeRunner, Enforcement, InputWanted, LanguageSpec, OutputStream, Report, RunInput, RunIo,
    RunRequest, RunnerError, RunnerProfile, Verdict,
};
use parking_lot::Mutex;

/// A runner that does what the first line of the code says.
#[derive(Default)]
pub(super) struct ScriptedRunner {
    /// How many programs were started.
    pub(super) started: AtomicUsize,
    /// How many programs are alive.
    pub(super) alive: Arc<AtomicUsize>,
    /// The most that were alive at a time.
    pub(super) most_alive: AtomicUsize,
    /// The tasks that have run programs.
    pub(super) tasks: Mutex<HashSet<tokio::task::Id>>,
    /// How many of the next programs find no capacity.
    pub(super) overloads: AtomicUsize,
    /// Whether nothing can be run.
    pub(super) is_broken: AtomicBool,
}

impl fmt::Debug for ScriptedRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedRunner")
    }
}

/// Counts a program as alive until its future is finished or dropped.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl CodeRunner for ScriptedRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: "scripted".to_owned(),
            enforcement: Enforcement::default(),
            interactive: true,
            ignores_buffering: false,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        catalog().specs().to_vec()
    }

    async fn check(&self) -> Result<(), RunnerError> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(RunnerError::Unavailable {
                backend: "scripted",
                reason: "broken".to_owned(),
                source: None,
            });
        }
        Ok(())
    }

    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        self.check().await?;
        let take_one = |left: usize| left.checked_sub(1);
        let overloads = &self.overloads;
        if overloads
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one)
            .is_ok()
        {
            return Err(RunnerError::Overloaded { retry_after: None });
        }
        self.started.fetch_add(1, Ordering::SeqCst);
        self.tasks.lock().extend(tokio::task::try_id());
        let alive = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_alive.fetch_max(alive, Ordering::SeqCst);
        let _alive = Alive(Arc::clone(&self.alive));
        run_script(request.submission.code(), io).await
    }
}

fn bytes(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}

/// Prints all input, and returns what ends it.
async fn echo_until_end(io: &mut (dyn RunIo + '_)) -> RunInput {
    loop {
        match io.input(InputWanted::Anything).await {
            RunInput::Data(bytes) => io.output(OutputStream::Stdout, bytes).await,
            end @ (RunInput::Closed | RunInput::Cancel | RunInput::Resumed) => return end,
        }
    }
}

async fn until_cancelled(io: &mut (dyn RunIo + '_)) {
    assert_eq!(io.input(InputWanted::Anything).await, RunInput::Closed);
    assert_eq!(io.input(InputWanted::Anything).await, RunInput::Cancel);
    let more = io.input(InputWanted::Anything);
    let more = tokio::time::timeout(Duration::from_secs(1), more).await;
    assert!(more.is_err(), "after the cancellation comes {more:?}");
}

async fn run_script(code: &str, io: &mut (dyn RunIo + '_)) -> Result<Report, RunnerError> {
    for line in code.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("print", text) => io.output(OutputStream::Stdout, bytes(text)).await,
            ("complain", text) => io.output(OutputStream::Stderr, bytes(text)).await,
            ("flood", bytes) => {
                let flood = vec![b'x'; bytes.parse().unwrap()];
                io.output(OutputStream::Stdout, flood.into()).await;
            }
            ("sleep", seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds.parse().unwrap())).await;
            }
            ("hang", _) => std::future::pending().await,
            ("until-cancelled", _) => {
                until_cancelled(io).await;
                return Ok(report(Verdict::Cancelled));
            }
            ("echo-until-end", _) => {
                if echo_until_end(io).await == RunInput::Cancel {
                    return Ok(report(Verdict::Cancelled));
                }
            }
            ("read", _) => {
                let input = io.input(InputWanted::Anything).await;
                assert!(matches!(input, RunInput::Data(_)), "{input:?}");
            }
            ("ignore-until-cancelled", _) => {
                assert_eq!(io.input(InputWanted::Cancel).await, RunInput::Cancel);
                return Ok(report(Verdict::Cancelled));
            }
            ("await", _) => {
                io.awaiting_input().await;
                io.park();
            }
            ("resume", _) => {
                io.request_place();
                assert_eq!(io.input(InputWanted::Cancel).await, RunInput::Resumed);
            }
            ("unavailable", _) => {
                return Err(RunnerError::Unavailable {
                    backend: "scripted",
                    reason: "secret-host is down".to_owned(),
                    source: None,
                });
            }
            ("overloaded", _) => {
                let retry_after = Some(Duration::from_secs(10));
                return Err(RunnerError::Overloaded { retry_after });
            }
            ("cut", _) => io.mark_truncated(OutputStream::Stdout),
            ("unsupported", _) => {
                let language = coderun_domain::testing::language("python");
                return Err(RunnerError::Unsupported { language });
            }
            (unknown, _) => panic!("no such line: {unknown}"),
        }
    }
    Ok(report(Verdict::Accepted))
}
