//! Provides a scripted publisher without a network.

use parking_lot::MutexGuard;

use tokio::time::sleep;

use super::*;
use crate::http_client::HttpError;
use crate::keys::http::fetch::{FetchError, FetchedKeys};

/// How long keys are fresh here.
pub(super) const FRESH: Duration = Duration::from_hours(6);

/// Answers with what was set last, after the time that was set last.
#[derive(Debug, Clone, Default)]
pub(super) struct ScriptedPublisher(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// `None` is a failure.
    names: Option<Vec<&'static str>>,
    latency: Duration,
    asked_at: Vec<Instant>,
}

impl ScriptedPublisher {
    pub(super) fn of(names: &[&'static str]) -> Self {
        let publisher = Self::default();
        publisher.publish(names);
        publisher
    }

    pub(super) fn source(&self) -> HttpKeySource {
        self.source_with(config())
    }

    pub(super) fn source_with(&self, config: HttpKeysConfig) -> HttpKeySource {
        HttpKeySource::with_fetch(Box::new(self.clone()), config).unwrap()
    }

    pub(super) fn publish(&self, names: &[&'static str]) {
        self.state().names = Some(names.to_vec());
    }

    pub(super) fn fail(&self) {
        self.state().names = None;
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        self.state().latency = latency;
    }

    /// When it was asked, from first to last.
    pub(super) fn asked_at(&self) -> Vec<Instant> {
        self.state().asked_at.clone()
    }

    pub(super) fn fetches(&self) -> usize {
        self.state().asked_at.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }
}

/// A publisher of this key, and a source that has its first keys from it.
pub(super) async fn warm(names: &[&'static str]) -> (ScriptedPublisher, HttpKeySource) {
    let publisher = ScriptedPublisher::of(names);
    let source = publisher.source();
    source.current().await.unwrap();
    (publisher, source)
}

#[async_trait]
impl KeyFetch for ScriptedPublisher {
    async fn fetch(&self) -> Result<FetchedKeys, FetchError> {
        let latency = {
            let mut state = self.state();
            state.asked_at.push(Instant::now());
            state.latency
        };
        sleep(latency).await;
        let names = self.state().names.clone();
        let names = names.ok_or(FetchError::Http(HttpError::Status(500)))?;
        Ok(FetchedKeys {
            keys: key_set(&names),
            fresh_for: FRESH,
        })
    }
}

/// Checks that attempts, of which at least ten failed, came at growing distances: 1 s, doubled each time, and each up to
/// twice as long, but never longer than this.
pub(super) fn assert_backs_off(asked_at: &[Instant], longest: Duration) {
    assert!(asked_at.len() > 10, "{}", asked_at.len());
    let mut expected = Duration::from_secs(1);
    for pair in asked_at.windows(2) {
        let pause = pair[1] - pair[0];
        let most = expected * 2 + Duration::from_millis(2);
        assert!(
            (expected..=most).contains(&pause),
            "{pause:?}, not {expected:?}"
        );
        expected = (longest / 2).min(expected * 2);
    }
}
