use std::fs;

use coderun_domain::testing::{at, execution, finished, interactive_execution};
use coderun_domain::{
    Event, Execution, InputPiece, InputPosition, Sequence, StoredEvent, WorkerId,
};
use coderun_ledger::KeptInput;
use redb::ReadableTableMetadata;

use super::*;

/// A new record of this execution, with as many events as it says.
fn new_record(order: u64, execution: Execution) -> Kept {
    let events = (1..=execution.sequence().number()).map(|number| StoredEvent {
        sequence: Sequence::from_number(number),
        event: Event::AwaitingInput(execution.attempt()),
    });
    Kept {
        order,
        events: events.collect(),
        execution,
        cancel_requested: false,
        settled: None,
        input: None,
    }
}

fn open(folder: &Path) -> Result<File, RedbError> {
    File::in_folder(folder)
}

/// How many entries there are in all tables but the one about the file.
fn entries(file: &File) -> u64 {
    let transaction = file.database.begin_read().unwrap();
    let records = [SUBMISSIONS, PROGRESS].map(|table| {
        let table = transaction.open_table(table).unwrap();
        table.len().unwrap()
    });
    let parts = [EVENTS, INPUT].map(|table| {
        let table = transaction.open_table(table).unwrap();
        table.len().unwrap()
    });
    records.into_iter().chain(parts).sum()
}

#[test]
fn a_second_opening_is_refused_while_the_first_lasts() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    let second = open(folder.path());
    assert!(matches!(second, Err(RedbError::InUse { .. })), "{second:?}");
    drop(first);
    open(folder.path()).unwrap();
}

#[cfg(unix)]
#[test]
fn folder_and_file_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("a").join("b");
    open(&folder).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(NAME)), 0o600);
}

#[test]
fn a_folder_that_cannot_be_made_is_refused() {
    let outer = tempfile::tempdir().unwrap();
    let file = outer.path().join("file");
    fs::write(&file, "").unwrap();
    let refused = open(&file.join("folder"));
    assert!(
        matches!(refused, Err(RedbError::Folder { .. })),
        "{refused:?}"
    );
}

#[test]
fn what_is_no_such_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    fs::write(&path, "something else entirely").unwrap();
    let refused = open(folder.path());
    assert!(matches!(refused, Err(RedbError::File(_))), "{refused:?}");
    let left = fs::read_to_string(path).unwrap();
    assert_eq!(left, "something else entirely");
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(folder.path()).unwrap();
    let transaction = file.database.begin_write().unwrap();
    let mut about = transaction.open_table(ABOUT).unwrap();
    about.insert(VERSION_KEY, "2").unwrap();
    drop(about);
    transaction.commit().unwrap();
    drop(file);
    let refused = open(folder.path());
    assert!(matches!(refused, Err(RedbError::Newer)), "{refused:?}");
}

/// Changes the value of the only record in this table.
fn spoil(file: &File, table: Records, change: impl Fn(&mut Vec<u8>)) {
    let transaction = file.database.begin_write().unwrap();
    let mut table = transaction.open_table(table).unwrap();
    let mut value = table.get(1).unwrap().unwrap().value().to_vec();
    change(&mut value);
    table.insert(1, value.as_slice()).unwrap();
    drop(table);
    transaction.commit().unwrap();
}

#[test]
fn a_value_of_a_newer_form_is_refused_and_a_damaged_one_too() {
    for table in [SUBMISSIONS, PROGRESS] {
        let folder = tempfile::tempdir().unwrap();
        let file = open(folder.path()).unwrap();
        let record = new_record(1, execution());
        file.write(&[Change::Kept(Box::new(record))]).unwrap();
        spoil(&file, table, |value| value[0] = 2);
        assert!(matches!(file.load(), Err(RedbError::Newer)));
        spoil(&file, table, |value| {
            value[0] = 1;
            value.truncate(value.len() - 1);
        });
        assert!(matches!(file.load(), Err(RedbError::Damaged(_))));
    }
}

#[test]
fn a_gap_between_events_or_pieces_is_noticed() {
    for table in [EVENTS, INPUT] {
        let folder = tempfile::tempdir().unwrap();
        let file = open(folder.path()).unwrap();
        let worker = WorkerId::parse("w").unwrap();
        let running = interactive_execution().start(worker, at(1)).unwrap();
        let pieces = [0, 1, 2].map(|number| (InputPosition::from_number(number), InputPiece::End));
        let record = Kept {
            input: Some(KeptInput {
                dropped: 0,
                pieces: pieces.to_vec(),
                senders: Vec::new(),
            }),
            ..new_record(1, running)
        };
        file.write(&[Change::Kept(Box::new(record))]).unwrap();
        assert_eq!(file.load().unwrap().len(), 1);
        let transaction = file.database.begin_write().unwrap();
        let mut parts = transaction.open_table(table).unwrap();
        assert!(parts.remove((1, 1)).unwrap().is_some());
        drop(parts);
        transaction.commit().unwrap();
        assert!(matches!(file.load(), Err(RedbError::Damaged(_))));
    }
}

#[test]
fn nothing_is_left_of_what_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(folder.path()).unwrap();
    let kept = Kept {
        input: Some(KeptInput {
            dropped: 0,
            pieces: vec![(InputPosition::START, InputPiece::End)],
            senders: Vec::new(),
        }),
        ..new_record(1, interactive_execution())
    };
    let other = new_record(2, execution());
    file.write(&[Change::Kept(Box::new(kept)), Change::Kept(Box::new(other))])
        .unwrap();
    assert_eq!(entries(&file), 4 + 3);
    file.write(&[Change::Deleted(1)]).unwrap();
    assert_eq!(entries(&file), 3);
    assert_eq!(file.load().unwrap()[0].order, 2);
    file.write(&[Change::Deleted(2)]).unwrap();
    assert_eq!(entries(&file), 0);
}

#[test]
fn the_input_of_what_is_final_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(folder.path()).unwrap();
    let worker = WorkerId::parse("w").unwrap();
    let running = interactive_execution().start(worker, at(1)).unwrap();
    let mut kept = Kept {
        input: Some(KeptInput {
            dropped: 0,
            pieces: vec![(InputPosition::START, InputPiece::End)],
            senders: Vec::new(),
        }),
        ..new_record(1, running.clone())
    };
    file.write(&[Change::Kept(Box::new(kept.clone()))]).unwrap();
    assert_eq!(entries(&file), 5);
    kept.execution = running.finish(finished(), at(2)).unwrap();
    kept.events.clear();
    kept.input = None;
    file.write(&[Change::Kept(Box::new(kept))]).unwrap();
    assert_eq!(entries(&file), 4);
}

/// A record with half a MiB of input, in many small values.
fn wordy_record(order: u64) -> Kept {
    let piece = InputPiece::Data(vec![b'x'; 1 << 10].into());
    let pieces = (0..512).map(|number| (InputPosition::from_number(number), piece.clone()));
    Kept {
        input: Some(KeptInput {
            dropped: 0,
            pieces: pieces.collect(),
            senders: Vec::new(),
        }),
        ..new_record(order, interactive_execution())
    }
}

#[test]
fn the_room_of_what_was_deleted_is_given_back_when_the_file_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let file = open(folder.path()).unwrap();
    let length = || folder.path().join(NAME).metadata().unwrap().len();
    let all = (1..=48).map(|order| Change::Kept(Box::new(wordy_record(order))));
    file.write(&all.collect::<Vec<_>>()).unwrap();
    let full = length();
    assert!(full > 24 << 20, "{full}");
    let most = (1..=44).map(Change::Deleted);
    file.write(&most.collect::<Vec<_>>()).unwrap();
    for order in 49..=51 {
        let record = new_record(order, interactive_execution());
        file.write(&[Change::Kept(Box::new(record))]).unwrap();
    }
    let before = file.load().unwrap();
    drop(file);
    let mut file = open(folder.path()).unwrap();
    let reopened = length();
    assert!(reopened > full / 2, "{reopened} of {full}");
    file.compact().unwrap();
    assert!(length() < full / 2, "{} of {full}", length());
    let after = file.load().unwrap();
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
}
