//! Users who submit, retry what they may retry, and watch some of what they submitted.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::programs::{Program, program};
use crate::random::Random;
use crate::support::{DEADLINE, Launch, Socket, Story};

/// A user submits this often.
const PAUSE: Duration = Duration::from_millis(400);
/// What was refused is tried again after this time.
const RETRY: Duration = Duration::from_millis(100);
/// One in so many submissions is watched from the start.
const WATCHED_ONE_IN: usize = 2;

/// What a user got an id for.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) output: String,
}

/// What became of all submissions.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) tokens: Vec<String>,
    /// Answers 503.
    pub(crate) refused: usize,
    /// Nobody listened.
    pub(crate) unreachable: usize,
    /// The connection broke before there was an answer: it may have been accepted or not.
    pub(crate) unanswered: usize,
    /// What those who watched from the start were told, in all.
    pub(crate) watched: Vec<(Accepted, Story)>,
    /// How often a watcher had to reconnect.
    pub(crate) reconnects: usize,
    pub(crate) unexpected: Vec<String>,
}

/// The users at work.
#[derive(Debug)]
pub(crate) struct Load {
    users: JoinSet<Loaded>,
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
            random: Random::new(number as u64),
        };
        let users = (0..users).map(|number| user(number).work(over.clone()));
        Self {
            users: users.collect(),
            over,
        }
    }

    /// Lets all users stop, and waits until those who watch have seen the end.
    pub(crate) async fn end(self) -> Loaded {
        self.over.cancel();
        let mut all = Loaded::default();
        for loaded in self.users.join_all().await {
            all.add(loaded);
        }
        all
    }
}

impl Loaded {
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

/// What one try to submit came to.
enum Try {
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
    random: Random,
}

impl User {
    async fn work(mut self, over: CancellationToken) -> Loaded {
        let mut loaded = Loaded {
            tokens: vec![self.token.clone()],
            ..Loaded::default()
        };
        let mut watchers = JoinSet::new();
        let mut number = 0;
        while !over.is_cancelled() {
            let wanted = program(&format!("{}-{number}", self.name), number);
            if let Some(accepted) = self.submit(wanted, &over, &mut loaded).await {
                if loaded.accepted.len().is_multiple_of(WATCHED_ONE_IN) {
                    let random = self.random.clone();
                    watchers.spawn(watch(accepted.clone(), Arc::clone(&self.addresses), random));
                }
                loaded.accepted.push(accepted);
            }
            number += 1;
            tokio::time::sleep(PAUSE).await;
        }
        for (accepted, story, reconnects) in watchers.join_all().await {
            loaded.watched.push((accepted, story));
            loaded.reconnects += reconnects;
        }
        loaded
    }

    /// Tries until it is accepted, or until nobody knows whether it was.
    async fn submit(
        &mut self,
        wanted: Program,
        over: &CancellationToken,
        loaded: &mut Loaded,
    ) -> Option<Accepted> {
        while !over.is_cancelled() {
            match self.try_submit(&wanted.body).await {
                Try::Accepted(id) => {
                    return Some(Accepted {
                        id,
                        token: self.token.clone(),
                        output: wanted.output,
                    });
                }
                Try::Refused => loaded.refused += 1,
                Try::Unreachable => loaded.unreachable += 1,
                Try::Unanswered => {
                    loaded.unanswered += 1;
                    return None;
                }
                Try::Unexpected(what) => {
                    loaded.unexpected.push(what);
                    return None;
                }
            }
            tokio::time::sleep(RETRY).await;
        }
        None
    }

    async fn try_submit(&mut self, body: &Value) -> Try {
        let address = &self.addresses[self.random.below(self.addresses.len())];
        let url = format!("http://{address}/api/v1/executions/execute");
        let request = self.client.post(url).bearer_auth(&self.token).json(body);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Try::Unreachable,
            Err(error) if error.is_timeout() => return Try::Unexpected("no answer".to_owned()),
            Err(_) => return Try::Unanswered,
        };
        let (status, says_when) = (
            answer.status(),
            answer.headers().contains_key("retry-after"),
        );
        let Ok(body) = answer.json::<Value>().await else {
            return Try::Unanswered;
        };
        match (status, body["execution_id"].as_str()) {
            (StatusCode::OK, Some(id)) => Try::Accepted(id.to_owned()),
            (StatusCode::SERVICE_UNAVAILABLE, None) if says_when => Try::Refused,
            _ => Try::Unexpected(format!("{status}: {body}")),
        }
    }
}

/// Watches from the first event to the last, on whatever replica is there.
async fn watch(
    accepted: Accepted,
    addresses: Arc<[String]>,
    mut random: Random,
) -> (Accepted, Story, usize) {
    let deadline = tokio::time::Instant::now() + DEADLINE * 2;
    let (mut story, mut connects) = (Story::default(), 0);
    loop {
        let address = &addresses[random.below(addresses.len())];
        let query = format!("token={}&since={}", accepted.token, story.last_number());
        if let Some(socket) = Socket::try_open(address, &accepted.id, &query).await {
            connects += 1;
            if story.follow(socket).await == 1000 {
                return (accepted, story, connects - 1);
            }
        }
        assert!(tokio::time::Instant::now() < deadline, "{accepted:?}");
        tokio::time::sleep(RETRY).await;
    }
}
