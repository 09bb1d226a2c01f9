//! Which request gets which answer, in the order in which Piston looks at them.

use std::sync::Arc;

use coderun_domain::ErrorChain;
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};

use super::Service;
use super::request::{self, Received};
use crate::answer::{Answer, AnswerBody, Broken, Resetter};
use crate::job::{self, Job, Refusal};
use crate::stage::ExecuteResult;
use crate::{Endpoint, FixedResult, Runtime, Turn};

/// Answers a request, or misbehaves.
pub(super) async fn answer(
    service: &Arc<Service>,
    request: Request<Incoming>,
    resetter: &Resetter,
) -> Result<Response<AnswerBody>, Broken> {
    let path = request.uri().path().to_owned();
    service.counters.count_request(&path);
    let endpoint = Endpoint::of_path(&path);
    let (head, body) = request.into_parts();
    let received = request::receive(body, service.body_limit).await;
    let received = received.map_err(|_| Broken)?;
    let is_execution = endpoint == Some(Endpoint::Execute) && head.method == Method::POST;
    if is_execution {
        service.counters.keep_execute_body(received.bytes.clone());
    }
    let turn = endpoint.map_or(Turn::Good, |endpoint| service.faults.take(endpoint));
    let asked = Asked {
        service,
        head: &head,
        received: &received,
        endpoint,
    };
    let answer = asked.with_turn(turn).await;
    if is_execution {
        tokio::time::sleep(service.latency).await;
    }
    answer.send(resetter).await
}

/// A request that was read.
struct Asked<'a> {
    service: &'a Arc<Service>,
    head: &'a hyper::http::request::Parts,
    received: &'a Received,
    endpoint: Option<Endpoint>,
}

impl Asked<'_> {
    async fn with_turn(&self, turn: Turn) -> Answer {
        match turn {
            Turn::Good => self.good().await,
            Turn::AfterRun(fault) => self.good().await.spoilt(&fault),
            Turn::Instead(fault) => self.without_work().await.spoilt(&fault),
        }
    }

    /// A good answer for which no program was run.
    async fn without_work(&self) -> Answer {
        match self.endpoint {
            Some(Endpoint::Execute) => made_up(),
            Some(Endpoint::Root | Endpoint::Runtimes | Endpoint::Packages) | None => {
                self.good().await
            }
        }
    }

    async fn good(&self) -> Answer {
        if !self.is_authorized() {
            return Answer::message(StatusCode::UNAUTHORIZED, "Unauthorized");
        }
        let body = match request::parse(&self.head.headers, self.received) {
            Ok(body) => body,
            Err(error) => {
                return Answer::json(StatusCode::BAD_REQUEST, &json!({"stack": error.stack}));
            }
        };
        if self.is_refused_type() {
            let text = "requests must be of type application/json";
            return Answer::message(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
        }
        let is_get = [Method::GET, Method::HEAD].contains(&self.head.method);
        match self.endpoint {
            Some(Endpoint::Root) if is_get => Answer::message(StatusCode::OK, "Piston v3.1.1"),
            Some(Endpoint::Runtimes) if is_get => runtimes(&self.service.runtimes),
            Some(Endpoint::Packages) if is_get => packages(&self.service.runtimes),
            Some(Endpoint::Execute) if self.head.method == Method::POST => {
                self.execute(&body).await
            }
            Some(Endpoint::Root | Endpoint::Runtimes | Endpoint::Packages | Endpoint::Execute)
            | None => Answer::message(StatusCode::NOT_FOUND, "Not Found"),
        }
    }

    fn is_authorized(&self) -> bool {
        self.service.authorization.as_ref().is_none_or(|required| {
            let value = self.head.headers.get(&required.name);
            value.is_some_and(|value| value.as_bytes() == required.value.as_bytes())
        })
    }

    fn is_refused_type(&self) -> bool {
        let is_harmless = [Method::GET, Method::HEAD, Method::OPTIONS].contains(&self.head.method);
        let path = self.head.uri.path().to_ascii_lowercase();
        let is_of_router = path == "/api/v2" || path.starts_with("/api/v2/");
        is_of_router && !is_harmless && !request::is_json(&self.head.headers)
    }

    async fn execute(&self, body: &Value) -> Answer {
        let job = job::parse(body, &self.service.runtimes, &self.service.limits);
        let job = match job {
            Ok(job) => job,
            Err(Refusal::Message(text)) => return Answer::message(StatusCode::BAD_REQUEST, &text),
            Err(Refusal::Exception) => return Answer::json(StatusCode::BAD_REQUEST, &json!({})),
        };
        // A task of its own: a client that goes away takes only its answer along.
        let run = run(Arc::clone(self.service), job);
        let ended = self.service.spawn(run).await;
        ended.ok().flatten().unwrap_or_else(Answer::failure)
    }
}

async fn run(service: Arc<Service>, job: Job) -> Answer {
    match service.executor.run(job, &service.counters).await {
        Ok(result) => Answer::json(StatusCode::OK, &result),
        Err(error) => {
            tracing::warn!(error = %ErrorChain(&error), "a job failed");
            Answer::failure()
        }
    }
}

/// A runtime in Piston's list.
#[derive(Serialize)]
struct ListedRuntime<'a> {
    language: &'a str,
    version: String,
    aliases: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime: Option<&'a str>,
}

fn runtimes(runtimes: &[Runtime]) -> Answer {
    let listed = runtimes.iter().map(|it| ListedRuntime {
        language: &it.language,
        version: it.version.to_string(),
        aliases: &it.aliases,
        runtime: it.runtime.as_deref(),
    });
    let list: Vec<ListedRuntime<'_>> = listed.collect();
    Answer::json(StatusCode::OK, &list)
}

/// A package in Piston's list.
#[derive(Serialize, PartialEq)]
struct ListedPackage<'a> {
    language: &'a str,
    language_version: String,
    installed: bool,
}

/// The packages of what is offered, each once.
fn packages(runtimes: &[Runtime]) -> Answer {
    let mut list = Vec::new();
    for runtime in runtimes {
        let package = ListedPackage {
            language: runtime.package_name(),
            language_version: runtime.version.to_string(),
            installed: true,
        };
        if !list.contains(&package) {
            list.push(package);
        }
    }
    Answer::json(StatusCode::OK, &list)
}

/// The answer to a program that was not run.
fn made_up() -> Answer {
    let FixedResult { compile, run, .. } = FixedResult::default();
    let result = ExecuteResult {
        compile,
        run,
        language: "python".to_owned(),
        version: "3.12.0".to_owned(),
    };
    Answer::json(StatusCode::OK, &result)
}
