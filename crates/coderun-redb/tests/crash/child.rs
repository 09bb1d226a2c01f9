//! Submits, runs and sends input until the process is killed, and reports every answer on stdout.

use std::io::Write;
use std::path::Path;

use coderun_conformance::{Backend, data, id, sender};
use coderun_domain::{Lease, Sequence};
use futures_util::StreamExt;

use crate::{fingerprint, open};

/// How many executions run at a time.
const TASKS: u32 = 4;

/// Runs one execution after the other in several tasks, and reports every answer on stdout.
pub(crate) async fn work_until_killed(folder: &Path, first: u32) {
    let backend = open(folder).await.1;
    let tasks = (0..TASKS).map(async |task| {
        for number in (first + task..).step_by(TASKS as usize) {
            run_one_execution(&backend, number).await;
        }
    });
    futures_util::future::join_all(tasks).await;
}

/// One execution from its submission to its end, or as far as it comes.
async fn run_one_execution(backend: &Backend, number: u32) {
    let id = id(number);
    backend
        .submit_interactive(number, &format!("user-{number}"))
        .await;
    report(&format!("accepted {number}"));
    for piece in 1..=2 {
        backend
            .keep(id, sender(1, piece), data(number.to_string()))
            .await;
        report(&format!("kept {number}"));
    }
    // Any waiting execution, even one of an earlier child.
    let Some(lease) = backend.try_take().await else {
        return;
    };
    let mut last = lease.execution().sequence();
    report_event(backend, &lease, last).await;
    for piece in 0..3 {
        let text = format!("{} {piece}", lease.id());
        last = backend.print(&lease, &[&text]).await;
        report_event(backend, &lease, last).await;
    }
    backend.finish(&lease).await;
    report_event(backend, &lease, last.next()).await;
}

/// Reports an event as a watcher sees it.
async fn report_event(backend: &Backend, lease: &Lease, sequence: Sequence) {
    let mut stream = backend.watch(lease.id(), sequence.number() - 1).await;
    let event = stream.next().await.unwrap().unwrap();
    report(&format!(
        "event {} {}",
        lease.id().as_uuid().as_u128(),
        fingerprint(&event)
    ));
}

/// One line at a time, whole.
fn report(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
