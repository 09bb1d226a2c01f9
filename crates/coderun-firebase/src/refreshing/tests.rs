use std::future::{pending, ready};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use rstest::rstest;
use tokio::time::{advance, sleep};
use tokio_util::sync::DropGuard;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const FRESH: Duration = Duration::from_secs(10);
const USABLE: Duration = Duration::from_mins(1);

/// A value that is the number of its fetch, and the error of a fetch that fails.
struct Fixture {
    value: Arc<Refreshing<usize, &'static str>>,
    fetches: AtomicUsize,
    /// `None` drops the value's tasks.
    guard: Option<DropGuard>,
}

impl Fixture {
    fn new() -> Self {
        let (spawner, guard) = Spawner::on_current_runtime().unwrap();
        Self {
            value: Arc::new(Refreshing::new(spawner)),
            fetches: AtomicUsize::new(0),
            guard: Some(guard),
        }
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    /// A call whose fetch, if it needs one, takes so long.
    async fn get(
        &self,
        patience: Duration,
        takes: Duration,
    ) -> Result<usize, Option<Arc<&'static str>>> {
        let start = || {
            let number = self.fetches.fetch_add(1, Ordering::SeqCst) + 1;
            Ok(async move {
                let asked_at = Instant::now();
                sleep(takes).await;
                Ok(Timed {
                    value: number,
                    fresh_until: asked_at + FRESH,
                    usable_until: asked_at + USABLE,
                })
            })
        };
        self.value.get(patience, start).await
    }

    /// A call whose fetch, if it needs one, is this.
    async fn get_by<F>(&self, fetch: F) -> Result<usize, Option<Arc<&'static str>>>
    where
        F: Future<Output = Fetched<usize, &'static str>> + Send + 'static,
    {
        self.value.get(SECOND, || Ok(fetch)).await
    }

    async fn fail(&self) -> Result<usize, Option<Arc<&'static str>>> {
        let failure = Failure {
            error: Arc::new("away"),
            retry_at: Instant::now() + SECOND,
        };
        self.get_by(ready(Err(failure))).await
    }
}

#[tokio::test(start_paused = true)]
async fn callers_share_one_fetch_and_its_value_while_it_is_fresh() {
    let fixture = Fixture::new();
    let values = join_all((0..500).map(|_| fixture.get(SECOND, SECOND))).await;
    assert!(values.iter().all(|it| *it == Ok(1)), "{values:?}");
    advance(SECOND * 8).await;
    assert_eq!(fixture.get(SECOND, SECOND).await, Ok(1));
    advance(SECOND).await;
    assert_eq!(fixture.get(SECOND, SECOND / 2).await, Ok(2));
    assert_eq!(fixture.fetches(), 2);
}

#[rstest]
#[case::quick(SECOND / 2, 2, SECOND / 2)]
#[case::slow(SECOND * 5, 1, SECOND)]
#[tokio::test(start_paused = true)]
async fn with_a_usable_value_a_caller_waits_no_longer_than_its_patience(
    #[case] takes: Duration,
    #[case] expected: usize,
    #[case] waited: Duration,
) {
    let fixture = Fixture::new();
    assert_eq!(fixture.get(SECOND, SECOND).await, Ok(1));
    advance(FRESH).await;
    let began = Instant::now();
    assert_eq!(fixture.get(SECOND, takes).await, Ok(expected));
    assert_eq!(began.elapsed(), waited);
    sleep(takes).await;
    assert_eq!(fixture.get(SECOND, takes).await, Ok(2), "the fetch went on");
}

#[rstest]
#[case::no_longer_usable(USABLE)]
#[case::no_longer_usable_when_the_wait_ends(SECOND * 59)]
#[tokio::test(start_paused = true)]
async fn without_a_usable_value_a_caller_waits_for_the_fetch(#[case] age: Duration) {
    let fixture = Fixture::new();
    assert_eq!(fixture.get(SECOND, Duration::ZERO).await, Ok(1));
    advance(age).await;
    assert_eq!(fixture.get(SECOND, SECOND * 5).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn without_patience_a_usable_value_is_given_at_once() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get(Duration::ZERO, SECOND).await, Ok(1));
    advance(FRESH).await;
    let value = fixture.get(Duration::ZERO, SECOND).now_or_never();
    assert_eq!(value, Some(Ok(1)));
    assert_eq!(fixture.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_no_fetch_starts_before_its_time() {
    let fixture = Fixture::new();
    let away = Err(Some(Arc::new("away")));
    assert_eq!(fixture.fail().await, away);
    assert_eq!(fixture.get(SECOND, SECOND).await, away);
    assert_eq!(fixture.fetches(), 0);
    advance(SECOND).await;
    assert_eq!(fixture.get(SECOND, SECOND).await, Ok(1));
    assert!(fixture.value.error().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_failure_leaves_the_usable_value_and_no_other() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get(SECOND, SECOND).await, Ok(1));
    advance(FRESH).await;
    assert_eq!(fixture.fail().await, Ok(1));
    advance(USABLE).await;
    assert_eq!(fixture.fail().await, Err(Some(Arc::new("away"))));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_may_not_start_leaves_the_usable_value() {
    let fixture = Fixture::new();
    let refuse = || Err::<std::future::Pending<_>, _>(Arc::new("full"));
    let refused = fixture.value.get(SECOND, refuse).await;
    assert_eq!(refused, Err(Some(Arc::new("full"))));
    assert_eq!(fixture.get(SECOND, SECOND).await, Ok(1));
    advance(FRESH).await;
    assert_eq!(fixture.value.get(SECOND, refuse).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_goes_on_when_its_callers_leave() {
    let fixture = Fixture::new();
    let first = fixture.get(SECOND, SECOND).now_or_never();
    assert!(first.is_none());
    let second = fixture.get(SECOND, SECOND).now_or_never();
    assert!(second.is_none());
    sleep(SECOND * 2).await;
    let third = fixture.get(SECOND, SECOND).now_or_never();
    assert_eq!(third, Some(Ok(1)));
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_ends_with_its_owner() {
    let mut fixture = Fixture::new();
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<()>(1);
    let fetch = async move {
        let _sender = sender;
        pending().await
    };
    let waiting = fixture.get_by(fetch).now_or_never();
    assert!(waiting.is_none());
    tokio::task::yield_now().await;
    let flight = fixture.value.flight().unwrap();
    fixture.guard = None;
    assert_eq!(receiver.recv().await, None);
    assert_eq!(flight.await, None);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_panics_is_followed_by_another() {
    let fixture = Fixture::new();
    let panics = async { panic!("a bug in a source") };
    assert_eq!(fixture.get_by(panics).await, Err(None));
    assert_eq!(fixture.get(SECOND, SECOND).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_not_wanted_is_fetched_again() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get(SECOND, SECOND).await, Ok(1));
    fixture.value.retain(|value| *value == 1);
    assert_eq!(fixture.get(SECOND, SECOND).await, Ok(1));
    fixture.value.retain(|value| *value == 2);
    assert_eq!(fixture.get(SECOND, SECOND).await, Ok(2));
}
