mod circuit_breaker;
mod metrics;
mod overload;
mod sharing;

use std::sync::atomic::{AtomicUsize, Ordering};

use coderun_domain::testing::at;
use futures_util::future::join_all;
use rstest::rstest;
use tokio::time::{advance, sleep};

use super::*;
use crate::http_client::HttpError;
use crate::testing::{Log, outage};
use crate::users::answer::AnswerError;
use crate::users::testing::{account_id, check, verdict};

const ACTIVE: Account = Account::Active { valid_since: None };

/// A user whose sign-ins before this second were revoked.
fn revoked(second: u32) -> Account {
    Account::Active {
        valid_since: Some(at(second)),
    }
}

/// The reaction of a source to a question. Time in these tests is not that of the machine.
#[derive(Debug, Clone, Copy)]
enum Behaviour {
    Answers(Account),
    /// It cannot be asked about any user.
    Fails,
    /// It cannot be asked about this user.
    AnswersWrongly,
    Panics,
}

#[derive(Debug)]
struct ScriptedSource {
    behaviour: Mutex<Behaviour>,
    latency: Mutex<Duration>,
    asked: Mutex<Vec<AccountId>>,
    asked_now: AtomicUsize,
    asked_now_max: AtomicUsize,
}

impl ScriptedSource {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            behaviour: Mutex::new(Behaviour::Answers(ACTIVE)),
            latency: Mutex::new(Duration::from_millis(10)),
            asked: Mutex::default(),
            asked_now: AtomicUsize::new(0),
            asked_now_max: AtomicUsize::new(0),
        })
    }

    fn set_behaviour(&self, behaviour: Behaviour) {
        *self.behaviour.lock() = behaviour;
    }

    fn set_latency(&self, latency: Duration) {
        *self.latency.lock() = latency;
    }

    fn asked(&self) -> usize {
        self.asked.lock().len()
    }
}

/// A question that waits for its answer; it is counted until it is dropped.
struct OpenQuestion<'source>(&'source ScriptedSource);

impl Drop for OpenQuestion<'_> {
    fn drop(&mut self) {
        self.0.asked_now.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl AccountSource for ScriptedSource {
    async fn look_up(&self, id: &AccountId) -> Result<Account, LookupError> {
        self.asked.lock().push(id.clone());
        let now = self.asked_now.fetch_add(1, Ordering::SeqCst) + 1;
        self.asked_now_max.fetch_max(now, Ordering::SeqCst);
        let _open = OpenQuestion(self);
        let latency = *self.latency.lock();
        // A timer that is due at once would still take a millisecond.
        if !latency.is_zero() {
            sleep(latency).await;
        }
        let behaviour = *self.behaviour.lock();
        match behaviour {
            Behaviour::Answers(account) => Ok(account),
            Behaviour::Fails => Err(HttpError::Status(502).into()),
            Behaviour::AnswersWrongly => Err(LookupError::Answer(AnswerError::UnknownForm)),
            Behaviour::Panics => panic!("a bug in the source"),
        }
    }
}

/// The verdicts about this many users, who are looked up at the same time.
async fn verdicts(lookup: &AccountLookup, users: usize) -> Vec<&'static str> {
    let verdict = async |number| verdict(lookup, &format!("user-{number}")).await;
    join_all((0..users).map(verdict)).await
}

/// An account lookup with a source that knows every user.
fn lookup_with(policy: CachePolicy) -> (Arc<ScriptedSource>, AccountLookup) {
    let scripted = ScriptedSource::new();
    let source: Arc<dyn AccountSource> = Arc::<ScriptedSource>::clone(&scripted);
    (
        scripted,
        AccountLookup::with_source(source, policy).unwrap(),
    )
}

fn lookup() -> (Arc<ScriptedSource>, AccountLookup) {
    lookup_with(CachePolicy::default())
}

#[rstest]
#[case::active(ACTIVE, "admitted")]
#[case::revoked(revoked(11), "revoked")]
#[case::disabled(Account::Disabled, "user-disabled")]
#[case::absent(Account::Absent, "user-not-found")]
#[tokio::test(start_paused = true)]
async fn an_answer_is_used_for_a_minute(#[case] account: Account, #[case] expected: &str) {
    let (source, lookup) = lookup();
    source.set_behaviour(Behaviour::Answers(account));
    source.set_latency(Duration::ZERO);
    assert_eq!(verdict(&lookup, "alice").await, expected);

    advance(Duration::from_millis(59_999)).await;
    assert_eq!(verdict(&lookup, "alice").await, expected);
    assert_eq!(source.asked(), 1);

    advance(Duration::from_millis(1)).await;
    assert_eq!(verdict(&lookup, "alice").await, expected);
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_as_old_as_its_question() {
    let (source, lookup) = lookup();
    source.set_latency(Duration::from_secs(1));
    let start = Instant::now();
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    advance(Duration::from_mins(1).saturating_sub(start.elapsed())).await;
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn one_answer_decides_about_each_sign_in_by_itself() {
    let (source, lookup) = lookup();
    source.set_behaviour(Behaviour::Answers(revoked(10)));
    let alice = account_id("alice", None);
    let checked = lookup.check_sign_in(alice.clone(), at(10)).await;
    assert!(checked.is_ok());
    let error = lookup.check_sign_in(alice, at(9)).await.unwrap_err();
    assert!(matches!(error, VerifyError::Revoked), "{error:?}");
    assert_eq!(source.asked(), 1);
}

#[rstest]
#[case::young(ACTIVE, Duration::from_mins(4), "admitted")]
#[case::almost_old(ACTIVE, Duration::from_millis(299_999), "admitted")]
#[case::old(ACTIVE, Duration::from_mins(5), "users-unavailable")]
#[case::very_old(ACTIVE, Duration::from_mins(6), "users-unavailable")]
#[case::disabled(Account::Disabled, Duration::from_mins(4), "user-disabled")]
#[case::absent(Account::Absent, Duration::from_mins(4), "user-not-found")]
#[tokio::test(start_paused = true)]
async fn a_known_answer_is_used_for_five_minutes_if_there_is_no_other(
    #[case] account: Account,
    #[case] age: Duration,
    #[case] expected: &str,
) {
    let (source, lookup) = lookup();
    source.set_behaviour(Behaviour::Answers(account));
    source.set_latency(Duration::ZERO);
    verdict(&lookup, "alice").await;
    source.set_behaviour(Behaviour::Fails);
    advance(age).await;
    assert_eq!(verdict(&lookup, "alice").await, expected);
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_does_not_make_an_old_answer_younger() {
    let (source, lookup) = lookup();
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    source.set_behaviour(Behaviour::Fails);
    for _ in 0..2 {
        advance(Duration::from_mins(2)).await;
        assert_eq!(verdict(&lookup, "alice").await, "admitted");
    }
    advance(Duration::from_mins(2)).await;
    assert_eq!(verdict(&lookup, "alice").await, "users-unavailable");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_user_is_neither_admitted_nor_refused_without_an_answer() {
    let (source, lookup) = lookup();
    source.set_behaviour(Behaviour::AnswersWrongly);
    let error = check(&lookup, "alice").await.unwrap_err();
    assert!(error.kind().is_transient(), "{error:?}");
    let (retry_after, text) = outage(&error);
    assert_eq!(retry_after, Duration::from_secs(1));
    assert!(
        text.contains("the answer about a user cannot be used"),
        "{text}"
    );

    source.set_behaviour(Behaviour::Answers(ACTIVE));
    advance(Duration::from_secs(1)).await;
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
}

#[rstest]
#[case::with_a_known_answer(Behaviour::Answers(ACTIVE), "admitted")]
#[case::without_any(Behaviour::AnswersWrongly, "users-unavailable")]
#[tokio::test(start_paused = true)]
async fn a_user_whose_lookup_fails_is_asked_for_once_a_second(
    #[case] before: Behaviour,
    #[case] expected: &str,
) {
    let (source, lookup) = lookup();
    source.set_behaviour(before);
    assert_eq!(verdict(&lookup, "alice").await, expected);
    source.set_behaviour(Behaviour::AnswersWrongly);
    advance(Duration::from_mins(2)).await;
    let asked = source.asked();
    for _ in 0..3 {
        for _ in 0..100 {
            assert_eq!(verdict(&lookup, "alice").await, expected);
        }
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(source.asked(), asked + 3);
}

#[tokio::test(start_paused = true)]
async fn no_more_users_are_cached_than_may_be() {
    let (source, lookup) = lookup_with(CachePolicy {
        users_max: 10,
        ..CachePolicy::default()
    });
    for number in 0..100 {
        let name = format!("user-{number}");
        assert_eq!(verdict(&lookup, &name).await, "admitted");
        assert!(lookup.users.len() <= 10);
    }
    assert_eq!(verdict(&lookup, "user-99").await, "admitted");
    assert_eq!(source.asked(), 100);
}

#[tokio::test(start_paused = true)]
async fn each_tenant_has_users_of_its_own() {
    let (source, lookup) = lookup();
    for _ in 0..2 {
        for tenant in [None, Some("acme")] {
            let alice = account_id("alice", tenant);
            assert!(lookup.check_sign_in(alice, at(10)).await.is_ok());
        }
    }
    let expected = [account_id("alice", None), account_id("alice", Some("acme"))];
    assert_eq!(*source.asked.lock(), expected);
}

async fn fail(lookup: &AccountLookup, times: usize) {
    for number in 0..times {
        let name = format!("user-{number}");
        assert_eq!(verdict(lookup, &name).await, "users-unavailable");
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_reports_recent_failures_and_makes_no_lookup() {
    let (source, lookup) = lookup();
    assert!(lookup.check().is_ok());
    assert_eq!(source.asked(), 0);

    source.set_behaviour(Behaviour::Fails);
    fail(&lookup, 2).await;
    assert!(lookup.check().is_ok());
    fail(&lookup, 3).await;
    outage(&lookup.check().unwrap_err());

    advance(Duration::from_secs(10)).await;
    assert!(lookup.check().is_ok());
    fail(&lookup, 1).await;
    assert!(lookup.check().is_err());

    source.set_behaviour(Behaviour::Answers(ACTIVE));
    advance(Duration::from_secs(2)).await;
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    assert!(lookup.check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_kind_of_failure_is_logged_once_a_minute() {
    let (source, lookup) = lookup();
    source.set_behaviour(Behaviour::AnswersWrongly);
    let log = Log::default();
    let guard = log.listen();
    fail(&lookup, 50).await;
    assert_eq!(log.count("cannot look up users"), 1, "{}", log.text());
    advance(Duration::from_mins(1)).await;
    fail(&lookup, 50).await;
    assert_eq!(log.count("cannot look up users"), 2, "{}", log.text());
    drop(guard);
    assert!(!log.text().contains("user-1"), "{}", log.text());
}
