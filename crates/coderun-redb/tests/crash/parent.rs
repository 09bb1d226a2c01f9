//! Kills child after child, and compares the file with what they reported.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use coderun_conformance::{Backend, data, id};
use coderun_domain::Health;
use coderun_domain::testing::execution_id;

use crate::{FIRST, FOLDER, fingerprint, open};

const ROUNDS: u32 = 12;
const FIRST_STARTS: u32 = 16;

/// What the children have reported so far.
#[derive(Default)]
struct Reports {
    accepted: Vec<u32>,
    kept: HashMap<u32, usize>,
    /// The events of each execution, by their numbers.
    events: HashMap<u128, HashMap<u64, String>>,
}

impl Reports {
    fn add(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["accepted", number] => self.accepted.push(number.parse().unwrap()),
            ["kept", number] => *self.kept.entry(number.parse().unwrap()).or_default() += 1,
            ["event", id, event] => {
                let number = event.split_once('=').unwrap().0.parse().unwrap();
                let events = self.events.entry(id.parse().unwrap()).or_default();
                let earlier = events.insert(number, event.to_owned());
                assert!(
                    earlier.is_none_or(|earlier| earlier == event),
                    "an event changed: {event}"
                );
            }
            // The test harness writes lines, too.
            _ => {}
        }
    }
}

/// Kills each child after more reports than the one before.
pub(crate) async fn check_many_kills() {
    let folder = tempfile::tempdir().unwrap();
    let mut reports = Reports::default();
    for round in 0..ROUNDS {
        let first = round * 1_000_000 + 1;
        run_child(folder.path(), first, 3 + round as usize * 17, &mut reports);
        let (redb, backend) = open(folder.path()).await;
        check(&backend, &reports).await;
        redb.close().await;
    }
    assert!(reports.accepted.len() > 100, "{}", reports.accepted.len());
}

/// Kills each child as soon as it has put anything into its new folder, or a moment later.
pub(crate) async fn check_killed_first_starts() {
    for round in 0..FIRST_STARTS {
        let folder = tempfile::tempdir().unwrap();
        let mut child = spawn(folder.path(), 1);
        let until = Instant::now() + Duration::from_secs(20);
        while folder.path().read_dir().unwrap().next().is_none() {
            assert!(Instant::now() < until, "the child makes no file");
        }
        for _ in 0..round * 4 {
            folder.path().read_dir().unwrap().for_each(drop);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (redb, backend) = open(folder.path()).await;
        assert_eq!(backend.store.check().await.unwrap(), Health::Good);
        redb.close().await;
        let names = folder.path().read_dir().unwrap();
        let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["coderun.redb"]);
    }
}

/// Starts a child and kills it after so many reports.
fn run_child(folder: &Path, first: u32, lines: usize, reports: &mut Reports) {
    let mut child = spawn(folder, first);
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut count = 0;
    for line in output.by_ref() {
        reports.add(&line.unwrap());
        count += 1;
        if count >= lines + 10 {
            break;
        }
    }
    assert!(count > lines, "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    for line in output {
        reports.add(&line.unwrap());
    }
}

fn spawn(folder: &Path, first: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "no_answer_is_lost_by_a_kill", "--nocapture"])
        .env(FOLDER, folder)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

async fn check(backend: &Backend, reports: &Reports) {
    assert_eq!(backend.store.check().await.unwrap(), Health::Good);
    for number in &reports.accepted {
        let found = backend.find(id(*number)).await;
        assert!(found.is_some(), "{number} was accepted");
    }
    for (id, reported) in &reports.events {
        let id = execution_id(*id);
        let stored = backend.events(id).await;
        let last = backend.get(id).await.sequence().number();
        let numbers: Vec<_> = stored.iter().map(|it| it.sequence.number()).collect();
        assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
        for (number, event) in reported {
            let stored = &stored[usize::try_from(*number - 1).unwrap()];
            assert_eq!(&fingerprint(stored), event);
        }
    }
    check_input(backend, reports).await;
}

/// The worker that takes a waiting execution finds its input.
async fn check_input(backend: &Backend, reports: &Reports) {
    for _ in 0..3 {
        let Some(lease) = backend.take_as("reader").await else {
            return;
        };
        let number = u32::try_from(lease.id().as_uuid().as_u128()).unwrap();
        let read = backend.read_all(&lease).await;
        let kept = reports.kept.get(&number).copied().unwrap_or_default();
        assert!((kept..=2).contains(&read.len()), "{number}: {kept}");
        let piece = data(number.to_string());
        assert!(read.iter().all(|read| *read == piece));
    }
}
