//! Simulates users who submit, retry refusals, and watch some of their executions.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::programs::{Program, program};
use crate::support::{DEADLINE, EventLog, Launch, Socket};

/// The pause between submissions of a user.
const PAUSE: Duration = Duration::from_millis(400);
/// The pause before a retry.
const RETRY_DELAY: Duration = Duration::from_millis(100);
/// One in this many submissions is watched from the start.
const WATCHED_ONE_IN: usize = 2;

/// An accepted submission.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) output: String,
}

/// The results of all submissions.
#[derive(Debug, Default)]
pub(crate) struct LoadResult {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) tokens: Vec<String>,
    /// Answers with 503.
    pub(crate) refused: usize,
    /// Connections that were refused.
    pub(crate) unreachable: usize,
    /// Connections that broke before an answer: the submission may or may not have been accepted.
    pub(crate) unanswered: usize,
    /// The events of submissions that were watched from the start.
    pub(crate) watched: Vec<(Accepted, EventLog)>,
    /// Reconnects of watchers.
    pub(crate) reconnects: usize,
    pub(crate) unexpected: Vec<String>,
}

/// The running users.
#[derive(Debug)]
pub(crate) struct Load {
    users: JoinSet<LoadResult>,
    over: CancellationToken,
}

impl Load {
    pub(crate) fn begin(addresses: &[String], launch: &Launch, users: usize) -> Self {
        let over = CancellationToken::new();
        let client = Client::builder().no_proxy().timeout(DEADLINE).build();
        let client = client.expect("a client");
        let user = |number: usize| User {
            name: format!("user{number}"),
            token: launch.token(&format!("user{number}")),
            addresses: addresses.into(),
            client: client.clone(),
            random: fastrand::Rng::with_seed(number as u64),
        };
        let users = (0..users).map(|number| user(number).work(over.clone()));
        Self {
            users: users.collect(),
            over,
        }
    }

    /// Stops all users, and waits until all watchers have seen the end.
    pub(crate) async fn end(self) -> LoadResult {
        self.over.cancel();
        let mut all = LoadResult::default();
        for load_result in self.users.join_all().await {
            all.add(load_result);
        }
        all
    }
}

impl LoadResult {
    fn add(&mut self, other: Self) {
        self.accepted.extend(other.accepted);
        self.tokens.extend(other.tokens);
        self.refused += other.refused;
        self.unreachable += other.unreachable;
        self.unanswered += other.unanswered;
        self.watched.extend(other.watched);
        self.reconnects += other.reconnects;
        self.unexpected.extend(other.unexpected);
    }
}

/// The result of one request to submit.
enum SubmitResult {
    Accepted(String),
    Refused,
    Unreachable,
    Unanswered,
    Unexpected(String),
}

#[derive(Debug)]
struct User {
    name: String,
    token: String,
    addresses: Arc<[String]>,
    client: Client,
    random: fastrand::Rng,
}

impl User {
    async fn work(mut self, over: CancellationToken) -> LoadResult {
        let mut load_result = LoadResult {
            tokens: vec![self.token.clone()],
            ..LoadResult::default()
        };
        let mut watchers = JoinSet::new();
        let mut number = 0;
        while !over.is_cancelled() {
            let wanted = program(&format!("{}-{number}", self.name), number);
            if let Some(accepted) = self.submit(wanted, &over, &mut load_result).await {
                if load_result.accepted.len().is_multiple_of(WATCHED_ONE_IN) {
                    let random = self.random.clone();
                    watchers.spawn(watch(accepted.clone(), Arc::clone(&self.addresses), random));
                }
                load_result.accepted.push(accepted);
            }
            number += 1;
            tokio::time::sleep(PAUSE).await;
        }
        for (accepted, events, reconnects) in watchers.join_all().await {
            load_result.watched.push((accepted, events));
            load_result.reconnects += reconnects;
        }
        load_result
    }

    /// Retries until the submission is accepted or its result is unknown.
    async fn submit(
        &mut self,
        wanted: Program,
        over: &CancellationToken,
        load_result: &mut LoadResult,
    ) -> Option<Accepted> {
        while !over.is_cancelled() {
            match self.try_submit(&wanted.body).await {
                SubmitResult::Accepted(id) => {
                    return Some(Accepted {
                        id,
                        token: self.token.clone(),
                        output: wanted.output,
                    });
                }
                SubmitResult::Refused => load_result.refused += 1,
                SubmitResult::Unreachable => load_result.unreachable += 1,
                SubmitResult::Unanswered => {
                    load_result.unanswered += 1;
                    return None;
                }
                SubmitResult::Unexpected(what) => {
                    load_result.unexpected.push(what);
                    return None;
                }
            }
            tokio::time::sleep(RETRY_DELAY).await;
        }
        None
    }

    async fn try_submit(&mut self, body: &Value) -> SubmitResult {
        let address = &self.addresses[self.random.usize(..self.addresses.len())];
        let url = format!("http://{address}/api/v1/executions/execute");
        let request = self.client.post(url).bearer_auth(&self.token).json(body);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return SubmitResult::Unreachable,
            Err(error) if error.is_timeout() => {
                return SubmitResult::Unexpected("no answer".to_owned());
            }
            Err(_) => return SubmitResult::Unanswered,
        };
        let (status, has_retry_after) = (
            answer.status(),
            answer.headers().contains_key("retry-after"),
        );
        let Ok(body) = answer.json::<Value>().await else {
            return SubmitResult::Unanswered;
        };
        match (status, body["execution_id"].as_str()) {
            (StatusCode::OK, Some(id)) => SubmitResult::Accepted(id.to_owned()),
            (StatusCode::SERVICE_UNAVAILABLE, None) if has_retry_after => SubmitResult::Refused,
            _ => SubmitResult::Unexpected(format!("{status}: {body}")),
        }
    }
}

/// Watches from the first event to the last, over any replica.
async fn watch(
    accepted: Accepted,
    addresses: Arc<[String]>,
    mut random: fastrand::Rng,
) -> (Accepted, EventLog, usize) {
    let deadline = tokio::time::Instant::now() + DEADLINE * 2;
    let (mut events, mut connects) = (EventLog::default(), 0);
    loop {
        let address = &addresses[random.usize(..addresses.len())];
        let query = format!("token={}&since={}", accepted.token, events.last_sequence());
        if let Some(socket) = Socket::try_open(address, &accepted.id, &query).await {
            connects += 1;
            if events.read_until_closed(socket).await == 1000 {
                return (accepted, events, connects - 1);
            }
        }
        assert!(tokio::time::Instant::now() < deadline, "{accepted:?}");
        tokio::time::sleep(RETRY_DELAY).await;
    }
}
