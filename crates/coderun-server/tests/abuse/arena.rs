//! Runs one attack against a service of its own, and victims beside it.

use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use parking_lot::Mutex;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use crate::attack::{Attack, Promised};
use crate::report::{Report, p95};
use crate::support::{Launch, Service};

/// What a victim may take, as a multiple of its time alone.
const TIMES_LONGER_MAX: u32 = 3;
/// Below this no victim notices anything, whatever the multiple.
const UNNOTICED: Duration = Duration::from_millis(150);
/// What the service itself may occupy, whatever it is sent.
pub(crate) const MEMORY_MAX_MIB: u64 = 600;
/// A greeting is judged this late at the latest.
const GREETING_DEADLINE: Duration = Duration::from_secs(30);
/// The longest attack.
const ATTACK_DEADLINE: Duration = Duration::from_mins(3);
/// How long the victims greet without an attack.
const ALONE: Duration = Duration::from_secs(3);
/// A victim's pause between two greetings.
const PAUSE: Duration = Duration::from_millis(200);
/// Victims take turns, so that none of them exceeds a quota of its own.
const TURNS: usize = 4;

/// A service under attack.
pub(crate) struct Arena {
    pub(crate) service: Arc<Service>,
    attacker: String,
    /// Whether this is the form without weight, which the tests of the workspace run.
    pub(crate) is_light: bool,
    victims: Vec<Victim>,
    greetings: Mutex<Vec<Duration>>,
    faults: Mutex<Vec<String>>,
    enforcement: Mutex<Value>,
}

/// A user who runs greetings.
struct Victim {
    token: String,
}

/// Starts a service, measures its victims alone, attacks, and tells what was found.
pub(crate) fn report_on(attack: &Attack, launch: &Launch, is_light: bool) -> Report {
    let settings = attack.settings.iter();
    let launch = settings.fold(launch.clone(), |all, (name, value)| all.with(name, value));
    on_threads(async {
        let service = Arc::new(launch.start());
        let attacker = service.token("attacker");
        let arena = Arena::new(service, attacker, attack.victims, is_light);
        arena.attack(attack).await
    })
}

/// Runs what attackers and victims do.
pub(crate) fn on_threads<T>(work: impl Future<Output = T>) -> T {
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("threads");
    threads.block_on(work)
}

impl Arena {
    /// A service with so many victims at a time, and the token of an attacker.
    pub(crate) fn new(
        service: Arc<Service>,
        attacker: String,
        victims: usize,
        is_light: bool,
    ) -> Self {
        let count = victims.max(TURNS);
        let names = (0..count).map(|number| format!("victim{number}"));
        let victims = names.map(|name| Victim {
            token: service.token(&name),
        });
        Self {
            victims: victims.collect(),
            service,
            attacker,
            is_light,
            greetings: Mutex::default(),
            faults: Mutex::default(),
            enforcement: Mutex::default(),
        }
    }

    async fn attack(self, attack: &Attack) -> Report {
        let at_a_time = attack.victims;
        // The first runs read their interpreter from the disk.
        self.greet(at_a_time).await;
        if !self.is_light {
            self.greetings.lock().clear();
            self.watch_victims(at_a_time, ALONE).await;
        }
        let alone = std::mem::take(&mut *self.greetings.lock());
        self.run(attack).await;
        let (alone, beside) = (p95(alone), p95(self.greetings.lock().clone()));
        self.check(
            self.is_light || beside <= (alone * TIMES_LONGER_MAX).max(UNNOTICED),
            || format!("a victim's greeting took {beside:?}, alone {alone:?}"),
        );
        let peak_mib = memory_mib(self.service.id(), "VmHWM:");
        match peak_mib {
            None => self.fault("the service died".to_owned()),
            Some(mib) => self.check(mib <= MEMORY_MAX_MIB, || {
                format!("the service had {mib} MiB")
            }),
        }
        Report {
            is_promised: match attack.promised {
                Promised::Always => true,
                Promised::By(control) => self.enforces(control, "cgroup"),
                Promised::ByShares => self.enforces("cpu", "equal shares"),
                Promised::Never => false,
            },
            alone,
            beside,
            peak_mib,
            faults: self.take_faults(),
        }
    }

    /// Runs an attack, and returns whether it came to its end.
    pub(crate) async fn run(&self, attack: &Attack) -> bool {
        let whole = AssertUnwindSafe((attack.run)(self)).catch_unwind();
        let fault = match tokio::time::timeout(ATTACK_DEADLINE, whole).await {
            Ok(Ok(())) => return true,
            Ok(Err(_)) => "broke off: see the panic above".to_owned(),
            Err(_) => format!("did not end in {ATTACK_DEADLINE:?}"),
        };
        self.fault(format!("{} {fault}", attack.name));
        false
    }

    /// The token of the user who attacks.
    pub(crate) fn attacker(&self) -> String {
        self.attacker.clone()
    }

    /// The broken promises so far.
    pub(crate) fn take_faults(&self) -> Vec<String> {
        std::mem::take(&mut *self.faults.lock())
    }

    /// Lets the victims of this attack greet for this long: called while the attack is in force.
    pub(crate) async fn watch_victims(&self, at_a_time: usize, duration: Duration) {
        let end = Instant::now()
            + if self.is_light {
                duration / 4
            } else {
                duration
            };
        loop {
            self.greet(at_a_time).await;
            if Instant::now() >= end {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn greet(&self, at_a_time: usize) {
        let turn = self.greetings.lock().len() % TURNS;
        let greeting = |number| self.greet_as(&self.victims[(turn + number) % self.victims.len()]);
        join_all((0..at_a_time).map(greeting)).await;
    }

    async fn greet_as(&self, victim: &Victim) {
        let began = Instant::now();
        let record = match tokio::time::timeout(GREETING_DEADLINE, self.try_greet(victim)).await {
            Ok(Ok(record)) => record,
            Ok(Err(reason)) => return self.fault(format!("a victim got {reason}")),
            Err(_) => return self.fault("a victim's greeting did not end".to_owned()),
        };
        self.greetings.lock().push(began.elapsed());
        let is_right = record["verdict"] == "accepted" && record["output"] == "hello\n";
        self.check(is_right && record["attempts"] == 1, || {
            format!("a victim's greeting: {}", judged(&record))
        });
        *self.enforcement.lock() = record["enforcement"].clone();
    }

    /// Greets over a connection of its own, because one that is open already needs no place among the connections.
    async fn try_greet(&self, victim: &Victim) -> Result<Value, String> {
        let client = Client::builder()
            .no_proxy()
            .timeout(GREETING_DEADLINE)
            .build();
        let client = client.expect("a client");
        let url = |path: &str| self.service.url(&format!("/api/v1/executions/{path}"));
        let request = client.post(url("execute"));
        let request = request.json(&json!({"language": "bash", "code": "echo hello"}));
        let answer = read(request.bearer_auth(&victim.token)).await?;
        let id = answer["execution_id"].as_str().expect("an id").to_owned();
        let mut since = 0;
        loop {
            let request = client.get(url(&format!("status/{id}?wait=20&since={since}")));
            let record = read(request.bearer_auth(&victim.token)).await?;
            if record["verdict"].is_string() {
                return Ok(record);
            }
            since = record["seq"].as_u64().expect("a number");
        }
    }

    /// Whether a control holds on victims by these means.
    fn enforces(&self, control: &str, means: &str) -> bool {
        let enforcement = self.enforcement.lock();
        let by = enforcement[control].as_str().unwrap_or_default();
        by.contains(means)
    }

    /// Submits a program and waits for an event of this type, which says that the attack is in force.
    pub(crate) async fn begin(&self, token: &str, program: &Value, event: &str) -> String {
        let id = self.service.submit(token, program).await;
        let mut socket = self.service.watch_since(token, &id, 0).await;
        socket.until(event).await;
        id
    }

    /// Submits a program, as JSON, as often as it is accepted, but not more often than this, and returns the ids.
    pub(crate) async fn flood(
        &self,
        token: &str,
        program: &(impl Display + Sync),
        count: usize,
    ) -> Vec<String> {
        let (mut ids, program) = (Vec::new(), program.to_string());
        for _ in 0..count {
            let submission = self.service.post("/api/v1/executions/execute", token);
            let submission = submission.header("Content-Type", "application/json");
            let answer = submission.body(program.clone()).send().await;
            let answer = answer.expect("an answer");
            let status = answer.status();
            let body: Value = answer.json().await.expect("JSON");
            match status {
                StatusCode::OK => {
                    ids.push(body["execution_id"].as_str().expect("an id").to_owned());
                }
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => break,
                _ => {
                    self.fault(format!("a submission got {status}: {body}"));
                    break;
                }
            }
        }
        ids
    }

    /// Leaves how long greetings took so far out of the judgement.
    pub(crate) fn forget_times(&self) {
        self.greetings.lock().clear();
    }

    /// Less of something in the form without weight.
    pub(crate) const fn scaled(&self, count: usize) -> usize {
        if self.is_light { count / 10 } else { count }
    }

    /// Notes something that breaks a promise.
    pub(crate) fn fault(&self, what: String) {
        self.faults.lock().push(what);
    }

    /// Notes a broken promise unless it holds.
    pub(crate) fn check(&self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.fault(what());
        }
    }
}

/// What matters of a record.
pub(crate) fn judged(record: &Value) -> String {
    let fields = [
        "verdict",
        "attempts",
        "cpu_time_ms",
        "wall_time_ms",
        "output",
        "error_output",
    ];
    let fields = fields.map(|field| format!("{field} {}", record[field]));
    fields.join(", ")
}

async fn read(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let answer = request.send().await.map_err(|error| format!("{error:?}"))?;
    let status = answer.status();
    let body = answer.text().await.map_err(|error| format!("{error:?}"))?;
    if status != StatusCode::OK {
        return Err(format!("{status}: {body}"));
    }
    Ok(serde_json::from_str(&body).expect("JSON"))
}

/// The memory of a process by this line of its status; none if it has ended.
pub(crate) fn memory_mib(process: u32, line: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let mut lines = status.lines();
    let kib = lines.find_map(|text| text.strip_prefix(line))?;
    let kib = kib.trim().strip_suffix(" kB")?;
    Some(kib.parse::<u64>().expect("a number") / 1024)
}
