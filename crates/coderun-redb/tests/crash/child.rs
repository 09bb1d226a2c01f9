//! Submits, runs and sends input until the process is killed, and reports every answer on stdout.

use std::io::Write;
use std::path::Path;

use bytes::Bytes;
use coderun_domain::testing::{at, draft, execution_id, finished, language, submission, user};
use coderun_domain::{
    Execution, ExecutionQueue, ExecutionStore, InputId, InputPiece, InputRelay, InputReply, Lease,
    Notifier, OutputChunk, OutputStream, RunEvent, SenderId, Sequence, SubmissionDraft, WorkerId,
};
use coderun_redb::RedbBackend;
use futures_util::StreamExt;

use crate::{fingerprint, open};

/// How many executions run at a time.
const TASKS: u32 = 4;

/// Runs one execution after the other in several tasks, and reports every answer on stdout.
pub(crate) async fn work_until_killed(folder: &Path, first: u32) {
    let redb = open(folder).await;
    let tasks = (0..TASKS).map(|task| {
        let redb = redb.clone();
        async move {
            for number in (first + task..).step_by(TASKS as usize) {
                run_one_execution(&redb, number).await;
            }
        }
    });
    futures_util::future::join_all(tasks).await;
}

/// One execution from its submission to its end, or as far as it comes.
async fn run_one_execution(redb: &RedbBackend, number: u32) {
    let id = execution_id(number.into());
    let name = format!("user-{number}");
    let draft = SubmissionDraft {
        interactive: true,
        ..draft()
    };
    let execution = Execution::submit(id, submission(user(&name), draft), at(0));
    redb.submit(&execution).await.unwrap();
    report(&format!("accepted {number}"));
    let sender = SenderId::from_number(1);
    for number_of_piece in 1..=2 {
        let input = InputId {
            sender,
            number: number_of_piece,
        };
        let piece = InputPiece::Data(Bytes::from(number.to_string()));
        assert_eq!(redb.send(id, input, piece).await.unwrap(), InputReply::Kept);
        report(&format!("kept {number}"));
    }
    // Any waiting execution, even one of an earlier child.
    let worker = WorkerId::parse("worker").unwrap();
    let Some(lease) = redb.take(&worker, &[language("python")]).await.unwrap() else {
        return;
    };
    let mut last = lease.execution().sequence();
    report_event(redb, &lease, last).await;
    for piece in 0..3 {
        let events = [stdout(&lease, piece)];
        last = redb.append(&lease, last, &events).await.unwrap();
        report_event(redb, &lease, last).await;
    }
    redb.finish(&lease, &finished()).await.unwrap();
    report_event(redb, &lease, last.next()).await;
}

fn stdout(lease: &Lease, piece: u32) -> RunEvent {
    RunEvent::from(OutputChunk {
        stream: OutputStream::Stdout,
        bytes: Bytes::from(format!("{} {piece}", lease.id())),
        attempt: lease.attempt(),
    })
}

/// Reports an event as a watcher sees it.
async fn report_event(redb: &RedbBackend, lease: &Lease, sequence: Sequence) {
    let before = Sequence::from_number(sequence.number() - 1);
    let mut stream = redb.subscribe(lease.id(), before).await.unwrap();
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
