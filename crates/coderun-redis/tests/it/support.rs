//! Starts backends on servers of their own, and provides the steps that many tests share.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{
    EVERYONE, ManualClock, draft, execution_id, finished, language, store_policy, submission, user,
};
use coderun_domain::{
    Admission, Clock as _, Execution, ExecutionId, InputError, InputId, InputPiece, InputPosition,
    InputReply, Lease, OutputChunk, OutputStream, Page, QueueError, RunEvent, SenderId, Sequence,
    StoreError, StorePolicy, SubmissionDraft, SubmitReply, Submitted, Summary, TicketDigest,
    TicketError, WorkerId,
};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::{RedisServer, Reply};

/// A server and a backend whose clock the test moves.
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

/// The key with this name, on a single node.
pub(crate) fn shared_key(name: &str) -> String {
    format!("coderun:3:{{0}}:{name}")
}

/// The key of this kind that belongs to an execution: `e` for its record, `o` for an outcome beside it, `v` for its events,
/// `i` for its input and `t` for its tickets.
pub(crate) fn key(kind: &str, number: u128) -> String {
    shared_key(&format!("{kind}:{}", id(number)))
}

/// The keys that are left when nothing is stored.
pub(crate) fn keys_of_nothing() -> [String; 2] {
    ["coderun:3:partitions".to_owned(), shared_key("totals")]
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

/// A backend with this configuration and policy, and its clock.
pub(crate) async fn connect(
    config: RedisConfig,
    policy: StorePolicy,
) -> (RedisBackend, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let backend_clock = Arc::clone(&clock);
    let redis = RedisBackend::connect(config, policy, backend_clock).await;
    (redis.unwrap(), clock)
}

/// Takes an execution, if one waits.
pub(crate) async fn try_take(redis: &RedisBackend) -> Result<Option<Lease>, QueueError> {
    let taken = redis
        .queue
        .take(&worker(), &[language("python")], EVERYONE, 1)
        .await;
    taken.map(|mut leases| leases.pop())
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
        let (redis, clock) = connect(config, policy).await;
        Self {
            server,
            redis,
            clock,
            policy,
        }
    }

    /// An execution that is not submitted yet.
    pub(crate) fn execution(&self, number: u128) -> Execution {
        self.execution_of(number, draft())
    }

    /// The same, with a program that takes input while it runs.
    pub(crate) fn interactive(&self, number: u128) -> Execution {
        let draft = SubmissionDraft {
            interactive: true,
            ..draft()
        };
        self.execution_of(number, draft)
    }

    fn execution_of(&self, number: u128, draft: SubmissionDraft) -> Execution {
        let submission = submission(user("alice"), draft);
        Execution::submit(id(number), submission, self.clock.now())
    }

    pub(crate) async fn submit_interactive(&self, number: u128) {
        self.assert_accepted(&self.interactive(number)).await;
    }

    pub(crate) async fn begin_interactive(&self, number: u128) -> Lease {
        self.submit_interactive(number).await;
        self.take().await
    }

    /// Sends the piece with this number of the first sender.
    pub(crate) async fn type_in(&self, execution: u128, number: u64, text: &'static str) {
        let sent = self.send(execution, input(1, number), typed(text)).await;
        assert_eq!(sent.unwrap(), InputReply::Kept);
    }

    pub(crate) async fn send(
        &self,
        execution: u128,
        input: InputId,
        piece: InputPiece,
    ) -> Result<InputReply, InputError> {
        self.redis.inputs.send(id(execution), input, piece).await
    }

    /// Reads the input after this number of pieces.
    pub(crate) async fn receive(
        &self,
        lease: &Lease,
        after: u64,
    ) -> Result<Vec<InputPiece>, InputError> {
        let after = InputPosition::from_number(after);
        self.redis.inputs.receive(lease, after).await
    }

    /// The admission of all tickets of the tests.
    pub(crate) fn admission(&self) -> Admission {
        Admission {
            user: user("alice"),
            expires_at: self.clock.now(),
        }
    }

    /// Issues the ticket with this number.
    pub(crate) async fn issue(
        &self,
        execution: u128,
        number: u8,
        lifetime: Duration,
    ) -> Result<(), TicketError> {
        let admission = self.admission();
        self.redis
            .tickets
            .issue(id(execution), ticket(number), &admission, lifetime)
            .await
    }

    /// Redeems the ticket with this number.
    pub(crate) async fn redeem(&self, execution: u128, number: u8) -> Option<Admission> {
        let ticket = ticket(number);
        self.redis
            .tickets
            .redeem(id(execution), ticket)
            .await
            .unwrap()
    }

    pub(crate) async fn submit(&self, number: u128) {
        self.assert_accepted(&self.execution(number)).await;
    }

    pub(crate) async fn try_submit(&self, number: u128) -> Result<SubmitReply, StoreError> {
        let execution = self.execution(number);
        self.redis.store.submit(&execution, None).await
    }

    async fn assert_accepted(&self, execution: &Execution) {
        let submitted = self.redis.store.submit(execution, None).await.unwrap();
        assert_eq!(submitted.submitted, Submitted::Accepted);
    }

    pub(crate) async fn try_take(&self) -> Option<Lease> {
        try_take(&self.redis).await.unwrap()
    }

    pub(crate) async fn take(&self) -> Lease {
        self.try_take().await.unwrap()
    }

    /// Submits and takes.
    pub(crate) async fn begin(&self, number: u128) -> Lease {
        self.submit(number).await;
        self.take().await
    }

    /// Appends a piece of output after the events of the lease.
    pub(crate) async fn print(&self, lease: &Lease, text: &'static str) {
        let after = lease.execution().sequence();
        self.append(lease, after, &[piece(lease, text)]).await;
    }

    pub(crate) async fn append(&self, lease: &Lease, after: Sequence, events: &[RunEvent]) {
        let appended = self.redis.queue.append(lease, after, events).await;
        appended.unwrap();
    }

    pub(crate) async fn finish(&self, lease: &Lease) {
        self.finish_with(lease, lease.execution().sequence(), &[])
            .await;
    }

    /// Ends a run with events that were not told before.
    pub(crate) async fn finish_with(&self, lease: &Lease, after: Sequence, events: &[RunEvent]) {
        let outcome = finished();
        let finishing = self.redis.queue.finish(lease, after, events, &outcome);
        finishing.await.unwrap();
    }

    pub(crate) async fn get(&self, number: u128) -> Option<Execution> {
        self.redis.store.get(id(number)).await.unwrap()
    }

    /// The executions of the user, newest first.
    pub(crate) async fn list(&self) -> Vec<Summary> {
        let page = Page {
            before: None,
            limit: 100,
        };
        let listed = self.redis.store.list(&user("alice"), page).await;
        listed.unwrap()
    }

    /// The numbers of executions that wait and run.
    pub(crate) async fn depth(&self) -> (u64, u64) {
        let depth = self.redis.queue.depth().await.unwrap();
        (depth.pending, depth.running)
    }

    /// Another process on the same server, with a clock of its own.
    pub(crate) async fn other_process(&self) -> RedisBackend {
        let config = RedisConfig::new(self.server.url().parse().unwrap());
        connect(config, self.policy).await.0
    }

    /// The text that the server answers.
    pub(crate) fn command(&self, words: &[&str]) -> String {
        self.server.command(words).text()
    }

    /// The names of all keys, without those that name for a minute what a worker took last, and the time of the last audit.
    pub(crate) fn keys(&self) -> Vec<String> {
        let answer = self.server.command(&["KEYS", "*"]);
        let keys = answer.parts().iter().map(Reply::text);
        let mut keys: Vec<String> = keys
            .filter(|key| !key.contains(":k:") && !key.ends_with(":audited"))
            .collect();
        keys.sort();
        keys
    }

    /// The remaining lifetime of a key in milliseconds, negative for a key without an end.
    pub(crate) fn ttl_ms(&self, key: &str) -> i64 {
        self.command(&["PTTL", key]).parse().unwrap()
    }

    /// Runs a script on this key and execution; values may be binary.
    pub(crate) fn script(&self, script: &str, key: &str, number: u128) -> String {
        self.command(&["EVAL", script, "1", key, &id(number).to_string()])
    }

    /// Replaces the live value of an execution by another text.
    pub(crate) fn damage_live(&self, number: u128, value: &str) {
        let (live, field) = (shared_key("live"), id(number).to_string());
        assert_eq!(self.command(&["HSET", &live, &field, value]), "0");
    }

    /// Replaces the record of an execution by another text.
    pub(crate) fn damage_record(&self, number: u128, value: &str) {
        let set = ["SET", &key("e", number), value, "XX", "KEEPTTL"];
        assert_eq!(self.command(&set), "OK");
    }

    /// Deletes a key that exists, as if the server had lost it.
    pub(crate) fn lose(&self, key: &str) {
        assert_eq!(self.command(&["DEL", key]), "1", "{key} does not exist");
    }
}

/// A piece of output by the holder of this lease.
pub(crate) fn piece(lease: &Lease, text: &'static str) -> RunEvent {
    RunEvent::from(OutputChunk {
        stream: OutputStream::Stdout,
        bytes: Bytes::from_static(text.as_bytes()),
        attempt: lease.attempt(),
    })
}
