//! Checks after the disturbances that nothing accepted was lost or duplicated.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use crate::load::{Accepted, LoadResult};
use crate::support::{EventLog, Socket};

/// Time for everything to become final: a lease, more attempts, and pending executions.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(200);
const AT_A_TIME: usize = 8;
const ATTEMPTS_MAX: u64 = 3;
const COMPLETED: &str = "accepted";
/// The text of a record whose attempts all lost their lease.
const GIVEN_UP: &str = "no worker could finish it";

/// The state of everything that was accepted.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// Accepted ids whose record is final.
    pub(crate) ended: usize,
    pub(crate) completed: usize,
    /// Attempts beyond the first.
    pub(crate) takeovers: u64,
    /// The texts of executions that were given up after the last attempt.
    pub(crate) given_up: Vec<String>,
    /// Records of all users, including submissions without an answer.
    pub(crate) listed: usize,
    pub(crate) listed_ended: usize,
    pub(crate) events: usize,
    pub(crate) wrong: Vec<String>,
}

/// Waits until everything is final, and compares it with what was promised.
pub(crate) async fn audit(addresses: &[String], load_result: &LoadResult) -> Audit {
    let client = Client::builder().no_proxy().timeout(SETTLED_WITHIN).build();
    let auditor = Auditor {
        client: client.expect("a client"),
        addresses,
        deadline: Instant::now() + SETTLED_WITHIN,
    };
    let mut audit = Audit::default();
    let examined = load_result.accepted.iter().enumerate();
    let examined = examined.map(|(number, accepted)| auditor.examine(number, accepted));
    let mut examined = stream::iter(examined).buffer_unordered(AT_A_TIME);
    while let Some((accepted, record, events)) = examined.next().await {
        audit.add(accepted, record.as_ref(), &events);
    }
    for (accepted, events) in &load_result.watched {
        audit.check_events("watched live", accepted, events);
    }
    for token in &load_result.tokens {
        auditor.list(token, &mut audit).await;
    }
    audit
}

#[derive(Debug)]
struct Auditor<'a> {
    client: Client,
    addresses: &'a [String],
    deadline: Instant,
}

impl Auditor<'_> {
    /// The final record, if there is one in time, and all events.
    async fn examine<'a>(
        &self,
        number: usize,
        accepted: &'a Accepted,
    ) -> (&'a Accepted, Option<Value>, EventLog) {
        let address = &self.addresses[number % self.addresses.len()];
        let record = self.final_record(address, accepted).await;
        let mut events = EventLog::default();
        if record.is_some() {
            let query = format!("token={}&since=0", accepted.token);
            let socket = Socket::try_open(address, &accepted.id, &query).await;
            events.read_until_closed(socket.expect("a handshake")).await;
        }
        (accepted, record, events)
    }

    async fn final_record(&self, address: &str, accepted: &Accepted) -> Option<Value> {
        let path = format!("/api/v1/executions/status/{}", accepted.id);
        while Instant::now() < self.deadline {
            let (status, record) = self.get(address, &path, &accepted.token).await;
            if status == StatusCode::NOT_FOUND {
                return None;
            }
            if status == StatusCode::OK && !record["verdict"].is_null() {
                return Some(record);
            }
            tokio::time::sleep(PAUSE).await;
        }
        None
    }

    /// Counts all records of a user.
    async fn list(&self, token: &str, audit: &mut Audit) {
        let mut path = "/api/v1/executions?limit=100".to_owned();
        loop {
            let page = self.page_without_work(&path, token).await;
            let records = page["executions"].as_array().expect("a list");
            audit.listed += records.len();
            let ended = records.iter().filter(|record| has_ended(record));
            audit.listed_ended += ended.count();
            let Some(cursor) = page["next_cursor"].as_str() else {
                return;
            };
            path = format!("/api/v1/executions?limit=100&cursor={cursor}");
        }
    }

    /// A page on which everything is final, or its last state at the deadline.
    async fn page_without_work(&self, path: &str, token: &str) -> Value {
        loop {
            let (status, page) = self.get(&self.addresses[0], path, token).await;
            assert_eq!(status, StatusCode::OK, "{page}");
            let records = page["executions"].as_array().expect("a list");
            if records.iter().all(has_ended) || Instant::now() > self.deadline {
                return page;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn get(&self, address: &str, path: &str, token: &str) -> (StatusCode, Value) {
        let url = format!("http://{address}{path}");
        let request = self.client.get(url).bearer_auth(token);
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    }
}

fn has_ended(record: &Value) -> bool {
    record["status"] == "completed" || record["status"] == "error"
}

impl Audit {
    fn add(&mut self, accepted: &Accepted, record: Option<&Value>, events: &EventLog) {
        let Some(record) = record else {
            let id = &accepted.id;
            self.wrong.push(format!("{id} is lost or has not ended"));
            return;
        };
        self.ended += 1;
        self.events += events.numbers().len();
        let attempts = record["attempts"].as_u64().unwrap_or_default();
        self.takeovers += attempts.saturating_sub(1);
        if record["verdict"] == COMPLETED {
            self.completed += 1;
            self.check(accepted, "output", record["output"] == accepted.output);
        } else {
            let reason = record["error_output"].to_string();
            let is_given_up = record["verdict"] == "internal_error"
                && attempts == ATTEMPTS_MAX
                && reason.contains(GIVEN_UP);
            self.given_up.push(reason);
            self.check(accepted, &format!("ending {record}"), is_given_up);
        }
        self.check_events("read again", accepted, events);
        let last = events.last_update();
        let agrees = last["verdict"] == record["verdict"] && last["attempts"] == attempts;
        self.check(accepted, "last event", agrees);
    }

    /// Checks that there is no gap and no duplicate, and that each attempt has the output of the program or its beginning.
    fn check_events(&mut self, how: &str, accepted: &Accepted, events: &EventLog) {
        let numbers = events.numbers();
        let what = format!("numbers, {how}: {numbers:?}");
        self.check(accepted, &what, events.is_gap_free());
        let what = format!("order of attempts, {how}");
        self.check(accepted, &what, events.has_attempts_in_order());
        let last = events.last_update();
        let last_attempt = last["attempts"].as_u64().unwrap_or_default();
        for (attempt, output) in events.output_by_attempt() {
            let is_whole = attempt == last_attempt && last["verdict"] == COMPLETED;
            let is_right = if is_whole {
                output == accepted.output
            } else {
                accepted.output.starts_with(&output)
            };
            let what = format!("attempt {attempt}, {how}: {output:?}");
            self.check(accepted, &what, is_right);
        }
        let is_completed = last["verdict"] == COMPLETED;
        let has_output = events.output_by_attempt().contains_key(&last_attempt);
        let what = format!("no output of the last attempt, {how}");
        self.check(accepted, &what, has_output || !is_completed);
    }

    fn check(&mut self, accepted: &Accepted, what: &str, is_right: bool) {
        if !is_right {
            self.wrong.push(format!("{}: {what}", accepted.id));
        }
    }
}
