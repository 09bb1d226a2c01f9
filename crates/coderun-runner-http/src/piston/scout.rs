//! Keeps what is known of a Piston current: asks how it is, what it has, and what limits it takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use coderun_domain::{ByteSize, ErrorChain, Language};
use reqwest::StatusCode;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use super::exchange::Exchanges;
use super::failure::Failure;
use super::known::Known;
use super::limits::Caps;
use super::output_probe;
use super::probe::{Next, Probe};
use super::refusal::{self, Refusal};
use super::response;
use super::runtimes::{self, Runtime};
use super::traffic::Traffic;
use crate::client::{Answer, Client, Sending};

/// How long Piston may take to list what it has, or to refuse.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// A longer list is read by nobody: it would take longer than a task may block.
const LIST_MAX_BYTES: usize = 256 * 1024;

/// An answer is good for so long.
const FRESH: Duration = Duration::from_secs(1);
/// A Piston that is away is asked so often.
const AWAY_PAUSE: Duration = Duration::from_secs(1);
/// How long the program that shows the cap on output may take.
const OUTPUT_PROBE_MAX: Duration = Duration::from_secs(10);
/// One runtime is asked for so many times at most: one more than it has limits.
const QUESTIONS_MAX: usize = 7;

/// Looks at a Piston.
#[derive(Debug)]
pub(super) struct Scout {
    pub(super) client: Arc<Client>,
    pub(super) known: Arc<Known>,
    pub(super) traffic: Arc<Traffic>,
    pub(super) exchanges: Arc<Exchanges>,
    /// How often it looks by itself.
    pub(super) interval: Duration,
    pub(super) state: ScoutState,
}

/// What was seen last.
#[derive(Debug)]
pub(super) struct ScoutState {
    /// Held by whoever asks, so that all others wait for the same answer.
    last: Mutex<Option<(Instant, Result<(), Failure>)>>,
    /// A run has failed since the last answer.
    is_doubtful: AtomicBool,
    is_away: AtomicBool,
    /// So many entries of the list could not be used, as far as was told.
    left_out: AtomicUsize,
    wake: Notify,
    rounds: watch::Sender<u64>,
}

impl Default for ScoutState {
    fn default() -> Self {
        Self {
            last: Mutex::default(),
            is_doubtful: AtomicBool::new(false),
            is_away: AtomicBool::new(false),
            left_out: AtomicUsize::new(0),
            wake: Notify::new(),
            rounds: watch::Sender::new(0),
        }
    }
}

impl Scout {
    /// Looks again and again, at once when somebody found out that Piston is there again.
    pub(super) async fn keep_looking(self: Arc<Self>) {
        loop {
            let seen = self.look().await;
            let pause = match seen {
                Ok(()) => {
                    self.probe().await;
                    self.interval
                }
                Err(_) => AWAY_PAUSE.min(self.interval),
            };
            self.state.rounds.send_modify(|rounds| *rounds += 1);
            tokio::select! {
                () = sleep(pause) => {}
                () = self.state.wake.notified() => {}
            }
        }
    }

    /// Waits until Piston was looked at once. Cancel-safe.
    pub(super) async fn first_round(&self) {
        let mut rounds = self.state.rounds.subscribe();
        // The sender lives as long as this does.
        drop(rounds.wait_for(|rounds| *rounds > 0).await);
    }

    /// A run has failed: what was seen before does not count any more.
    pub(super) fn doubt(&self) {
        self.state.is_doubtful.store(true, Ordering::Release);
    }

    /// The list is not as it was.
    pub(super) fn refresh(&self) {
        self.doubt();
        self.state.wake.notify_one();
    }

    /// Asks Piston for its runtimes, unless that was done a moment ago. Whoever comes while somebody asks gets the same
    /// answer. Cancel-safe.
    pub(super) async fn look(&self) -> Result<(), Failure> {
        let mut last = self.state.last.lock().await;
        let is_doubtful = self.state.is_doubtful.swap(false, Ordering::AcqRel);
        if let Some((at, seen)) = &*last
            && !is_doubtful
            && at.elapsed() < FRESH.min(self.interval)
        {
            return seen.clone();
        }
        // If this is given up, nobody must believe what was seen before.
        *last = None;
        let seen = self.ask().await;
        *last = Some((Instant::now(), seen.clone()));
        drop(last);
        self.note(&seen);
        seen
    }

    async fn ask(&self) -> Result<(), Failure> {
        let answer = self.client.get("runtimes", ANSWER_MAX).await?;
        if answer.status != StatusCode::OK {
            return Err(self.refused(&answer));
        }
        if answer.body.len() > LIST_MAX_BYTES {
            return Err(Failure::Unusable("its list of languages is too long"));
        }
        let listing = runtimes::read(&answer.body)?;
        let left_out = self
            .state
            .left_out
            .swap(listing.left_out, Ordering::Relaxed);
        if listing.left_out > 0 && left_out != listing.left_out {
            let left_out = listing.left_out;
            tracing::warn!(
                left_out,
                "the runner lists languages that cannot be offered"
            );
        }
        if listing.offers.is_empty() {
            return Err(Failure::Unusable("it has no language installed"));
        }
        self.known.take_over(listing);
        Ok(())
    }

    fn refused(&self, answer: &Answer) -> Failure {
        match refusal::read(answer.status, &answer.body) {
            Refusal::Busy => {
                if let Some(wait) = answer.retry_after {
                    self.traffic.note_busy(wait);
                }
                Failure::Busy {
                    retry_after: answer.retry_after,
                }
            }
            Refusal::Unusable(reason) => Failure::Unusable(reason),
            Refusal::Failed(status) => Failure::Failed(status),
            Refusal::UnknownRuntime
            | Refusal::LimitTooHigh { .. }
            | Refusal::TooLarge
            | Refusal::Invalid(_)
            | Refusal::Unknown => Failure::Unusable("there is no Piston at this address"),
        }
    }

    fn note(&self, seen: &Result<(), Failure>) {
        let was_away = self.state.is_away.swap(seen.is_err(), Ordering::AcqRel);
        match seen {
            Ok(()) if was_away => {
                tell_return();
                self.known.ask_again();
                self.state.wake.notify_one();
            }
            Err(failure) if !was_away => tell_absence(failure),
            Ok(()) | Err(_) => {}
        }
    }

    /// Finds out what is not known yet of the limits.
    async fn probe(&self) {
        for runtime in self.known.unasked() {
            match self.caps(&runtime).await {
                Asked::Told(caps) => self.known.learn_caps(runtime, caps),
                Asked::Refused => tell_unasked(&runtime),
                Asked::Silent => return tell_unasked(&runtime),
            }
        }
        if self.known.wants_output_cap() {
            self.probe_output().await;
        }
    }

    async fn caps(&self, runtime: &Runtime) -> Asked {
        let mut probe = Probe::new(runtime);
        for _ in 0..QUESTIONS_MAX {
            let sending = Sending::default();
            let asking = self
                .client
                .post_json("execute", probe.question().into(), &sending);
            let Ok(Ok(answer)) = timeout(ANSWER_MAX, asking).await else {
                return Asked::Silent;
            };
            match probe.learn(&answer) {
                Next::Ask => {}
                Next::Done(caps) => return Asked::Told(caps),
                Next::Later => return Asked::Refused,
            }
        }
        Asked::Refused
    }

    /// Runs a tiny program, if there is a place for it now and a language to write it in.
    async fn probe_output(&self) {
        let written = output_probe::LANGUAGES.iter().find_map(|(name, program)| {
            let language = Language::parse(name).ok()?;
            let found = self.known.find(&language, None).ok()?;
            Some((found, *program))
        });
        let Some((found, program)) = written else {
            return self.known.learn_output_cap(None);
        };
        let Some(place) = self.traffic.try_place() else {
            return;
        };
        let request = output_probe::request(&found.runtime, &found.caps, program);
        let mut exchange = self
            .exchanges
            .begin(request.into(), OUTPUT_PROBE_MAX, place);
        let cap = match exchange.answer().await {
            Ok(answer) if answer.status == StatusCode::OK => shown_by(&answer),
            Ok(_) | Err(_) => None,
        };
        tracing::debug!(?cap, "tried how much output is kept");
        self.known.learn_output_cap(cap);
    }
}

fn shown_by(answer: &Answer) -> Option<ByteSize> {
    let executed = response::read(&answer.body).ok()?;
    output_probe::shown_by(&executed)
}
/// What came of asking for the caps of one runtime.
enum Asked {
    Told(Caps),
    /// Not of this one; others may be told.
    Refused,
    /// There was no answer at all.
    Silent,
}

fn tell_unasked(runtime: &Runtime) {
    let language = &runtime.language;
    tracing::debug!(language, "limits cannot be found out now");
}

fn tell_return() {
    tracing::info!("the runner is there again");
}

fn tell_absence(failure: &Failure) {
    tracing::warn!(error = %ErrorChain(failure), "the runner is away");
}
