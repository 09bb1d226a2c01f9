//! A server, a backend and the words in which the tests are written.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{
    ManualClock, draft, execution_id, finished, language, store_policy, submission, user,
};
use coderun_domain::{
    Admission, Clock as _, Execution, ExecutionId, ExecutionQueue as _, ExecutionStore as _,
    InputId, InputPiece, InputRelay as _, InputReply, Lease, OutputChunk, OutputStream, RunEvent,
    SenderId, StorePolicy, SubmissionDraft, Submitted, TicketDigest, TicketError, TicketStore as _,
    WorkerId,
};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::{RedisServer, Reply};

/// A server with one backend on it, whose clock stands still.
pub(crate) struct Fixture {
    pub(crate) server: RedisServer,
    pub(crate) redis: RedisBackend,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) policy: StorePolicy,
}

pub(crate) fn id(number: u128) -> ExecutionId {
    execution_id(number)
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::parse("worker-1").unwrap()
}

/// The key of this kind that belongs to an execution, on a single node.
pub(crate) fn key(kind: &str, number: u128) -> String {
    format!("coderun:{{0}}:{kind}:{}", id(number))
}

pub(crate) fn input(sender: u128, number: u64) -> InputId {
    InputId {
        sender: SenderId::from_number(sender),
        number,
    }
}

pub(crate) fn typed(text: &'static str) -> InputPiece {
    InputPiece::Data(Bytes::from_static(text.as_bytes()))
}

fn ticket(number: u8) -> TicketDigest {
    TicketDigest::from_bytes([number; 32])
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut StorePolicy)) -> Self {
        let server = RedisServer::start();
        let config = RedisConfig::new(server.url().parse().unwrap());
        Self::on(server, config, change).await
    }

    pub(crate) async fn on(
        server: RedisServer,
        config: RedisConfig,
        change: impl FnOnce(&mut StorePolicy),
    ) -> Self {
        let mut policy = store_policy();
        change(&mut policy);
        let clock = Arc::new(ManualClock::default());
        let shown = Arc::clone(&clock);
        let redis = RedisBackend::connect(config, policy, shown).await.unwrap();
        Self {
            server,
            redis,
            clock,
            policy,
        }
    }

    /// An execution that is not submitted yet.
    pub(crate) fn execution(&self, number: u128) -> Execution {
        let submission = submission(user("alice"), draft());
        Execution::submit(id(number), submission, self.clock.now())
    }

    /// The same, of a program that takes input while it runs.
    pub(crate) fn interactive(&self, number: u128) -> Execution {
        let draft = SubmissionDraft {
            interactive: true,
            ..draft()
        };
        Execution::submit(
            id(number),
            submission(user("alice"), draft),
            self.clock.now(),
        )
    }

    pub(crate) async fn submit_interactive(&self, number: u128) {
        let submitted = self.redis.submit(&self.interactive(number)).await.unwrap();
        assert_eq!(submitted, Submitted::Accepted);
    }

    pub(crate) async fn begin_interactive(&self, number: u128) -> Lease {
        self.submit_interactive(number).await;
        self.take().await
    }

    /// Sends the piece with this number of the first sender, and it is kept.
    pub(crate) async fn type_in(&self, execution: u128, number: u64, text: &'static str) {
        let sent = self
            .redis
            .send(id(execution), input(1, number), typed(text));
        assert_eq!(sent.await.unwrap(), InputReply::Kept);
    }

    /// Whom the tickets of the tests admit.
    pub(crate) fn admission(&self) -> Admission {
        Admission {
            user: user("alice"),
            expires_at: self.clock.now(),
        }
    }

    /// Asks for the ticket with this number.
    pub(crate) async fn issue(
        &self,
        execution: u128,
        number: u8,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        let admission = self.admission();
        self.redis
            .issue(id(execution), ticket(number), &admission, lifetime)
            .await
    }

    /// Uses the ticket with this number.
    pub(crate) async fn redeem(&self, execution: u128, number: u8) -> Option<Admission> {
        let ticket = ticket(number);
        self.redis.redeem(id(execution), ticket).await.unwrap()
    }

    pub(crate) async fn submit(&self, number: u128) {
        let execution = self.execution(number);
        let submitted = self.redis.submit(&execution).await.unwrap();
        assert_eq!(submitted, Submitted::Accepted);
    }

    pub(crate) async fn try_take(&self) -> Option<Lease> {
        let languages = [language("python")];
        self.redis.take(&worker(), &languages).await.unwrap()
    }

    pub(crate) async fn take(&self) -> Lease {
        self.try_take().await.unwrap()
    }

    /// Submits and takes.
    pub(crate) async fn begin(&self, number: u128) -> Lease {
        self.submit(number).await;
        self.take().await
    }

    /// Appends a piece of output behind the events of the lease.
    pub(crate) async fn print(&self, lease: &Lease, text: &'static str) {
        let chunk = piece(lease, text);
        let after = lease.execution().sequence();
        self.redis.append(lease, after, &[chunk]).await.unwrap();
    }

    pub(crate) async fn finish(&self, lease: &Lease) {
        self.redis.finish(lease, &finished()).await.unwrap();
    }

    pub(crate) async fn get(&self, number: u128) -> Option<Execution> {
        self.redis.get(id(number)).await.unwrap()
    }

    /// The names of all keys.
    pub(crate) fn keys(&self) -> Vec<String> {
        let answer = self.server.command(&["KEYS", "*"]);
        let mut keys: Vec<String> = answer.parts().iter().map(Reply::text).collect();
        keys.sort();
        keys
    }
}

/// A piece of stdout by the holder of this lease.
pub(crate) fn piece(lease: &Lease, text: &'static str) -> RunEvent {
    RunEvent::from(OutputChunk {
        stream: OutputStream::Stdout,
        bytes: Bytes::from_static(text.as_bytes()),
        attempt: lease.attempt(),
    })
}
