//! Tests that the server knows nothing of a user whose executions were all deleted.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{ManualClock, SequentialIds, draft, store_policy, user};
use coderun_domain::{
    Admission, Clock as _, Execution, ExecutionId, ForcedEnd, IdGenerator, InputId, InputPiece,
    InputReply, Lease, Output, OutputChunk, OutputStream, Page, RunEvent, SenderId, StorePolicy,
    SubmissionDraft, Submitted, TicketDigest,
};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::{RedisCluster, RedisServer, Reply};
use sha2::{Digest as _, Sha256};

use crate::support::{connect, shared_key, try_take};

const NAME: &str = "carol of the lake";
const CODE: &str = "this-is-the-code";
const INPUT: &str = "this-is-the-input";
const TYPED: &str = "this-was-typed";
const OUTPUT: &str = "this-is-the-output";

/// A backend with executions of one user.
struct UserBackend {
    redis: RedisBackend,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<ManualClock>,
    policy: StorePolicy,
}

impl UserBackend {
    async fn connect(url: &str, submits_per_minute: u32) -> Self {
        let policy = StorePolicy {
            user_submits_per_minute: submits_per_minute,
            ..store_policy()
        };
        let config = RedisConfig::new(url.parse().unwrap());
        let (redis, clock) = connect(config, policy).await;
        let ids = redis.ids(Arc::new(SequentialIds::default()));
        Self {
            redis,
            ids,
            clock,
            policy,
        }
    }

    /// Submits an interactive program, sends input and issues a ticket.
    async fn submit(&self) -> ExecutionId {
        let draft = SubmissionDraft {
            code: CODE.to_owned(),
            input: INPUT.to_owned(),
            interactive: true,
            ..draft()
        };
        let submission = coderun_domain::testing::submission(user(NAME), draft);
        let id = self.ids.execution_id(&user(NAME));
        let execution = Execution::submit(id, submission, self.clock.now());
        let submitted = self.redis.store.submit(&execution, None).await.unwrap();
        assert_eq!(submitted.submitted, Submitted::Accepted);
        let input = InputId {
            sender: SenderId::from_number(1),
            number: 1,
        };
        let typed = InputPiece::Data(Bytes::from_static(TYPED.as_bytes()));
        let reply = self.redis.inputs.send(id, input, typed).await.unwrap();
        assert_eq!(reply, InputReply::Kept);
        let admission = Admission {
            user: user(NAME),
            expires_at: self.clock.now(),
        };
        let lifetime = Duration::from_mins(1);
        let issued = self
            .redis
            .tickets
            .issue(id, ticket(), &admission, lifetime)
            .await;
        issued.unwrap();
        id
    }

    async fn take(&self) -> Lease {
        try_take(&self.redis).await.unwrap().unwrap()
    }

    /// Takes an execution, and appends output and a wait for input.
    async fn run(&self) -> Lease {
        let lease = self.take().await;
        let chunk = OutputChunk {
            stream: OutputStream::Stdout,
            bytes: Bytes::from_static(OUTPUT.as_bytes()),
            attempt: lease.attempt(),
        };
        let events = [
            RunEvent::Output(chunk),
            RunEvent::AwaitingInput(lease.attempt()),
        ];
        let after = lease.execution().sequence();
        self.redis
            .queue
            .append(&lease, after, &events)
            .await
            .unwrap();
        lease
    }

    /// An execution that waited too long, a cancelled one and a finished one.
    async fn end(&self) -> [ExecutionId; 3] {
        let waited_too_long = self.submit().await;
        self.clock.advance(self.policy.queue_deadline);
        assert_eq!(self.redis.queue.sweep().await.unwrap().ended, 1);
        let cancelled = self.submit().await;
        self.redis.store.request_cancel(cancelled).await.unwrap();
        let finished = self.submit().await;
        let lease = self.run().await;
        let outcome = ForcedEnd::RanTooLong.outcome(Output::complete(OUTPUT), Output::default());
        let last = lease.execution().sequence();
        let finished_now = self.redis.queue.finish(&lease, last, &[], &outcome).await;
        finished_now.unwrap();
        [waited_too_long, cancelled, finished]
    }

    /// A running execution in its last attempt, and a running one that was cancelled.
    async fn start(&self) -> [ExecutionId; 2] {
        let last_attempt = self.submit().await;
        for _ in 0..self.policy.attempts_max {
            self.clock.advance(self.policy.lease * 2);
            assert_eq!(self.run().await.id(), last_attempt);
        }
        let cancelled = self.submit().await;
        self.run().await;
        self.redis.store.request_cancel(cancelled).await.unwrap();
        [last_attempt, cancelled]
    }

    /// A released execution, and a new one.
    async fn wait(&self) -> [ExecutionId; 2] {
        let released = self.submit().await;
        let lease = self.run().await;
        assert_eq!(lease.id(), released);
        self.redis.queue.release(&lease).await.unwrap();
        [released, self.submit().await]
    }

    /// Executions in every state and in every index.
    async fn some_of_each(&self) -> Vec<ExecutionId> {
        let (ended, running) = (self.end().await, self.start().await);
        let waiting = self.wait().await;
        [&ended[..], &running, &waiting].concat()
    }

    /// Deletes the executions in the list until it is empty.
    async fn delete_all(&self) {
        let page = Page {
            before: None,
            limit: 3,
        };
        loop {
            let listed = self.redis.store.list(&user(NAME), page).await.unwrap();
            if listed.is_empty() {
                return;
            }
            for summary in listed {
                assert!(self.redis.store.delete(summary.id).await.unwrap());
            }
        }
    }
}

fn ticket() -> TicketDigest {
    TicketDigest::from_bytes([0xAB; 32])
}

/// The name of the user in keys.
fn owner() -> String {
    let digest = Sha256::digest(NAME.as_bytes());
    digest[..16].iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Every key of these servers with its value, a line each.
fn all_keys(servers: &[&RedisServer]) -> Vec<String> {
    let mut lines = Vec::new();
    for server in servers {
        let keys = server.command(&["KEYS", "*"]);
        for key in keys.parts().iter().map(Reply::text) {
            let kind = server.command(&["TYPE", &key]).text();
            let value = match kind.as_str() {
                "string" => server.command(&["GET", &key]),
                "hash" => server.command(&["HGETALL", &key]),
                "list" => server.command(&["LRANGE", &key, "0", "-1"]),
                "zset" => server.command(&["ZRANGE", &key, "0", "-1", "WITHSCORES"]),
                _ => panic!("{key} is a {kind}"),
            };
            lines.push(format!("{key} {value:?}"));
        }
    }
    lines
}

/// Texts that must not be found after the deletion.
fn secrets(ids: &[ExecutionId]) -> Vec<String> {
    let texts = [NAME, CODE, INPUT, TYPED, OUTPUT].map(str::to_owned);
    let mut secrets = texts.to_vec();
    secrets.extend([owner(), "ab".repeat(32)]);
    secrets.extend(ids.iter().map(ToString::to_string));
    secrets
}

fn lines_with<'a>(lines: &'a [String], secret: &str) -> Vec<&'a String> {
    lines.iter().filter(|line| line.contains(secret)).collect()
}

async fn assert_nothing_is_left(backend: &UserBackend, servers: &[&RedisServer]) {
    let ids = backend.some_of_each().await;
    let secrets = secrets(&ids);
    let before = all_keys(servers);
    for secret in &secrets {
        let found = lines_with(&before, secret);
        assert!(!found.is_empty(), "{secret} was never stored");
    }
    backend.delete_all().await;
    let after = all_keys(servers);
    for secret in &secrets {
        assert_eq!(lines_with(&after, secret), Vec::<&String>::new());
    }
}

#[tokio::test]
async fn a_node_knows_nothing_of_a_user_without_executions() {
    let server = RedisServer::start();
    let backend = UserBackend::connect(&server.url(), 0).await;
    assert_nothing_is_left(&backend, &[&server]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_knows_nothing_of_a_user_without_executions() {
    let cluster = RedisCluster::start();
    let backend = UserBackend::connect(&cluster.url(), 0).await;
    let masters: Vec<_> = cluster.masters().iter().collect();
    assert_nothing_is_left(&backend, &masters).await;
}

/// The quota of submissions needs what was submitted in the last minute.
#[tokio::test]
async fn the_submissions_of_a_minute_are_stored_for_a_minute() {
    let server = RedisServer::start();
    let backend = UserBackend::connect(&server.url(), 100).await;
    backend.submit().await;
    backend.delete_all().await;
    let left = all_keys(&[&server]);
    let key = shared_key(&format!("m:{}", owner()));
    let lines = lines_with(&left, &owner());
    assert!(lines.len() == 1 && lines[0].starts_with(&key), "{lines:?}");
    assert_eq!(lines_with(&left, NAME), Vec::<&String>::new());
    let ttl: u64 = server.command(&["PTTL", &key]).text().parse().unwrap();
    assert!(ttl <= 60_000, "{ttl} ms");
}
