//! The child: submits, runs and types until it is killed, and says what it was told.

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

/// So many executions are under way at a time.
const LANES: u32 = 4;

/// Lives one life after the other in several lanes, and says on stdout what it was told.
pub(crate) async fn work_until_killed(folder: &Path, first: u32) {
    let redb = open(folder).await;
    let lanes = (0..LANES).map(|lane| {
        let redb = redb.clone();
        async move {
            for number in (first + lane..).step_by(LANES as usize) {
                live_a_life(&redb, number).await;
            }
        }
    });
    futures_util::future::join_all(lanes).await;
}

/// One execution from its submission to its end, or as far as it comes.
async fn live_a_life(redb: &RedbBackend, number: u32) {
    let id = execution_id(number.into());
    let name = format!("user-{number}");
    let draft = SubmissionDraft {
        interactive: true,
        ..draft()
    };
    let execution = Execution::submit(id, submission(user(&name), draft), at(0));
    redb.submit(&execution).await.unwrap();
    say(&format!("accepted {number}"));
    let sender = SenderId::from_number(1);
    for number_of_piece in 1..=2 {
        let input = InputId {
            sender,
            number: number_of_piece,
        };
        let piece = InputPiece::Data(Bytes::from(number.to_string()));
        assert_eq!(redb.send(id, input, piece).await.unwrap(), InputReply::Kept);
        say(&format!("kept {number}"));
    }
    // Any of those that wait, also one of an earlier child.
    let worker = WorkerId::parse("worker").unwrap();
    let Some(lease) = redb.take(&worker, &[language("python")]).await.unwrap() else {
        return;
    };
    let mut last = lease.execution().sequence();
    tell(redb, &lease, last).await;
    for piece in 0..3 {
        let happened = [said(&lease, piece)];
        last = redb.append(&lease, last, &happened).await.unwrap();
        tell(redb, &lease, last).await;
    }
    redb.finish(&lease, &finished()).await.unwrap();
    tell(redb, &lease, last.next()).await;
}

fn said(lease: &Lease, piece: u32) -> RunEvent {
    RunEvent::from(OutputChunk {
        stream: OutputStream::Stdout,
        bytes: Bytes::from(format!("{} {piece}", lease.id())),
        attempt: lease.attempt(),
    })
}

/// Says what a watcher is told of one event.
async fn tell(redb: &RedbBackend, lease: &Lease, sequence: Sequence) {
    let before = Sequence::from_number(sequence.number() - 1);
    let mut stream = redb.subscribe(lease.id(), before).await.unwrap();
    let event = stream.next().await.unwrap().unwrap();
    say(&format!(
        "told {} {}",
        lease.id().as_uuid().as_u128(),
        fingerprint(&event)
    ));
}

/// One line at a time, whole.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
