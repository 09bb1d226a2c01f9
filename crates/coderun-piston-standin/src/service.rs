//! Answers requests as Piston does, or as the script says.

use std::sync::atomic::{AtomicUsize, Ordering};

use coderun_domain::ErrorChain;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::behavior::{Behavior, Script};
use crate::program::Program;
use crate::sandbox::Sandbox;
use crate::stage::ExecuteResult;
use crate::{Reply, Request, Runtime, StandinOptions};

/// How many requests are recorded; later ones are only answered.
const RECORDED_MAX: usize = 10_000;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) options: StandinOptions,
    pub(crate) runtimes: Vec<Runtime>,
    pub(crate) sandbox: Option<Sandbox>,
    pub(crate) script: Mutex<Script>,
    /// The answer to `/runtimes` in place of the list.
    pub(crate) runtimes_reply: Mutex<Option<Reply>>,
    pub(crate) requests: watch::Sender<Vec<Request>>,
    pub(crate) running: AtomicUsize,
    pub(crate) released: watch::Sender<bool>,
}

impl Service {
    /// Records a request and answers it.
    pub(crate) async fn answer(&self, mut request: Request) -> Reply {
        let is_authorized = self.is_authorized(&request);
        let route = format!("{} {}", request.method, request.path);
        let program = (is_authorized && route == "POST /api/v2/execute")
            .then(|| Program::read(&request.body, &self.runtimes, &self.options.limits));
        request.is_program = matches!(program, Some(Ok(_)));
        self.requests.send_modify(|requests| {
            if requests.len() < RECORDED_MAX {
                requests.push(request);
            }
        });
        match (program, route.as_str()) {
            _ if !is_authorized => Reply::message(401, "Unauthorized"),
            (Some(Ok(program)), _) => self.execute(&program).await,
            (Some(Err(refusal)), _) => refusal,
            (None, "GET /") => Reply::message(200, "Piston v3.1.1"),
            (None, "GET /api/v2/runtimes") => {
                let scripted = self.runtimes_reply.lock().clone();
                scripted.unwrap_or_else(|| Reply::json(200, &self.runtimes))
            }
            (None, _) => Reply::message(404, "Not Found"),
        }
    }

    fn is_authorized(&self, request: &Request) -> bool {
        let required = self.options.required_header.as_ref();
        required.is_none_or(|(name, value)| request.header(name) == Some(value))
    }

    async fn execute(&self, program: &Program) -> Reply {
        let behavior = self.script.lock().take();
        let reply = match behavior {
            Behavior::Run => self.run(program).await,
            Behavior::Hold => {
                let mut released = self.released.subscribe();
                // The sender lives as long as the service.
                drop(released.wait_for(|is_released| *is_released).await);
                self.run(program).await
            }
            Behavior::Reply(reply) => reply,
            Behavior::RunThenReply(reply) => {
                self.run(program).await;
                reply
            }
        };
        if !self.options.latency.is_zero() {
            tokio::time::sleep(self.options.latency).await;
        }
        reply
    }

    async fn run(&self, program: &Program) -> Reply {
        let Some(sandbox) = &self.sandbox else {
            let Runtime {
                language, version, ..
            } = &program.runtime;
            let stdout = &self.options.fixed_stdout;
            return Reply::json(200, &ExecuteResult::success(language, version, stdout));
        };
        self.running.fetch_add(1, Ordering::AcqRel);
        let result = Box::pin(sandbox.run(program)).await;
        self.running.fetch_sub(1, Ordering::AcqRel);
        match result {
            Ok(result) => Reply::json(200, &result),
            Err(error) => {
                tracing::warn!(error = %ErrorChain(&*error), "the sandbox cannot run a program");
                Reply::status(500)
            }
        }
    }
}
