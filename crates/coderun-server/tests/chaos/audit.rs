//! What is found when the dust has settled.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::time::Instant;

use crate::load::{Accepted, Loaded};
use crate::support::{Socket, Story};

/// Everything is final by then: a lease, the attempts behind it, and what still waits.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(200);
const AT_A_TIME: usize = 8;
const ATTEMPTS_MAX: u64 = 3;
const COMPLETED: &str = "accepted";
/// What a record says whose every attempt ended with its lease.
const GIVEN_UP: &str = "no worker could finish it";

/// What became of what was accepted.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Accepted ids whose record is final.
    pub(crate) ended: usize,
    pub(crate) completed: usize,
    /// Attempts beyond the first.
    pub(crate) takeovers: u64,
    /// Why some were given up after the last attempt.
    pub(crate) given_up: Vec<String>,
    /// Records of all users, also of submissions that nobody got an answer to.
    pub(crate) listed: usize,
    pub(crate) listed_ended: usize,
    pub(crate) events: usize,
    pub(crate) wrong: Vec<String>,
}

/// Waits until everything has ended, and compares it with what was promised.
pub(crate) async fn audit(addresses: &[String], loaded: &Loaded) -> Found {
    let client = Client::builder().no_proxy().timeout(SETTLED_WITHIN).build();
    let auditor = Auditor {
        client: client.expect("a client"),
        addresses,
        deadline: Instant::now() + SETTLED_WITHIN,
    };
    let mut found = Found::default();
    let examined = loaded.accepted.iter().enumerate();
    let examined = examined.map(|(number, accepted)| auditor.examine(number, accepted));
    let mut examined = stream::iter(examined).buffer_unordered(AT_A_TIME);
    while let Some((accepted, record, story)) = examined.next().await {
        found.add(accepted, record.as_ref(), &story);
    }
    for (accepted, story) in &loaded.watched {
        found.check_story("watched live", accepted, story);
    }
    for token in &loaded.tokens {
        auditor.list(token, &mut found).await;
    }
    found
}

#[derive(Debug)]
struct Auditor<'a> {
    client: Client,
    addresses: &'a [String],
    deadline: Instant,
}

impl Auditor<'_> {
    /// The final record, if it is there in time, and the whole story.
    async fn examine<'a>(
        &self,
        number: usize,
        accepted: &'a Accepted,
    ) -> (&'a Accepted, Option<Value>, Story) {
        let address = &self.addresses[number % self.addresses.len()];
        let record = self.final_record(address, accepted).await;
        let mut story = Story::default();
        if record.is_some() {
            let query = format!("token={}&since=0", accepted.token);
            let socket = Socket::try_open(address, &accepted.id, &query).await;
            story.follow(socket.expect("a handshake")).await;
        }
        (accepted, record, story)
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
    async fn list(&self, token: &str, found: &mut Found) {
        let mut path = "/api/v1/executions?limit=100".to_owned();
        loop {
            let page = self.page_without_work(&path, token).await;
            let records = page["executions"].as_array().expect("a list");
            found.listed += records.len();
            let ended = records.iter().filter(|record| has_ended(record));
            found.listed_ended += ended.count();
            let Some(cursor) = page["next_cursor"].as_str() else {
                return;
            };
            path = format!("/api/v1/executions?limit=100&cursor={cursor}");
        }
    }

    /// A page on which everything has ended, or as it is when there is no more time.
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

impl Found {
    fn add(&mut self, accepted: &Accepted, record: Option<&Value>, story: &Story) {
        let Some(record) = record else {
            let id = &accepted.id;
            self.wrong.push(format!("{id} is lost or has not ended"));
            return;
        };
        self.ended += 1;
        self.events += story.numbers().len();
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
        self.check_story("read again", accepted, story);
        let told = story.last_update();
        let is_told = told["verdict"] == record["verdict"] && told["attempts"] == attempts;
        self.check(accepted, "last event", is_told);
    }

    /// No gap, nothing twice, and of each attempt what the program writes, or its beginning.
    fn check_story(&mut self, how: &str, accepted: &Accepted, story: &Story) {
        let numbers = story.numbers();
        let what = format!("numbers, {how}: {numbers:?}");
        self.check(accepted, &what, story.is_gap_free());
        let what = format!("order of attempts, {how}");
        self.check(accepted, &what, story.is_told_attempt_by_attempt());
        let last = story.last_update();
        let last_attempt = last["attempts"].as_u64().unwrap_or_default();
        for (attempt, output) in story.output_by_attempt() {
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
        let has_output = story.output_by_attempt().contains_key(&last_attempt);
        let what = format!("no output of the last attempt, {how}");
        self.check(accepted, &what, has_output || !is_completed);
    }

    fn check(&mut self, accepted: &Accepted, what: &str, is_right: bool) {
        if !is_right {
            self.wrong.push(format!("{}: {what}", accepted.id));
        }
    }
}
