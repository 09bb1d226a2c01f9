use std::fs;

use coderun_domain::testing::{at, execution, finished, interactive_execution};
use coderun_domain::{
    Event, Execution, InputPiece, InputPosition, Sequence, StoredEvent, WorkerId,
};
use coderun_ledger::InputSnapshot;
use redb::{Key, ReadableTableMetadata, Table, TableDefinition};
use tempfile::TempDir;

use super::schema::{ABOUT, EVENTS, INPUT, VERSION_KEY};
use super::*;

/// A new record of this execution, with as many events as it counts.
fn new_record(order: u64, execution: Execution) -> RecordSnapshot {
    let events = (1..=execution.sequence().number()).map(|number| StoredEvent {
        sequence: Sequence::from_number(number),
        event: Event::AwaitingInput(execution.attempt()),
    });
    RecordSnapshot {
        order,
        events: events.collect(),
        execution,
        cancel_requested: false,
        lease_end: None,
        input: None,
    }
}

/// A new record of an interactive execution, with so many copies of a piece of input.
fn record_with_input(order: u64, piece: &InputPiece, count: u64) -> RecordSnapshot {
    let pieces = (0..count).map(|number| (InputPosition::from_number(number), piece.clone()));
    RecordSnapshot {
        input: Some(InputSnapshot {
            dropped: 0,
            pieces: pieces.collect(),
            senders: Vec::new(),
        }),
        ..new_record(order, interactive_execution())
    }
}

fn running() -> Execution {
    let worker = WorkerId::parse("w").unwrap();
    interactive_execution().start(worker, at(1)).unwrap()
}

fn open(folder: &Path) -> Result<File, RedbError> {
    File::in_folder(folder)
}

fn new_file() -> (TempDir, File) {
    let folder = tempfile::tempdir().unwrap();
    let file = open(folder.path()).unwrap();
    (folder, file)
}

fn write(file: &File, records: impl IntoIterator<Item = RecordSnapshot>) {
    let changes = LedgerChanges {
        updated: records.into_iter().collect(),
        ..LedgerChanges::default()
    };
    file.write(&changes).unwrap();
}

fn delete(file: &File, orders: impl IntoIterator<Item = u64>) {
    let changes = LedgerChanges {
        deleted: orders.into_iter().collect(),
        ..LedgerChanges::default()
    };
    file.write(&changes).unwrap();
}

/// Changes a table behind the back of the file.
fn edit<K: Key, V: redb::Value>(
    file: &File,
    table: TableDefinition<'_, K, V>,
    change: impl FnOnce(&mut Table<'_, K, V>),
) {
    let transaction = file.database.begin_write().unwrap();
    change(&mut transaction.open_table(table).unwrap());
    transaction.commit().unwrap();
}

/// How many entries all tables of records have.
fn entries(file: &File) -> u64 {
    let transaction = file.database.begin_read().unwrap();
    let records = [SUBMISSIONS, PROGRESS].map(|table| transaction.open_table(table).unwrap().len());
    let parts = [EVENTS, INPUT].map(|table| transaction.open_table(table).unwrap().len());
    records.into_iter().chain(parts).map(Result::unwrap).sum()
}

#[test]
fn a_second_opening_is_refused_while_the_first_lasts() {
    let (folder, first) = new_file();
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
fn a_folder_that_cannot_be_created_is_refused() {
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
fn a_file_of_another_kind_is_refused_and_left_alone() {
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
    let (folder, file) = new_file();
    edit(&file, ABOUT, |about| {
        about.insert(VERSION_KEY, "2").unwrap();
    });
    drop(file);
    let refused = open(folder.path());
    assert!(matches!(refused, Err(RedbError::Newer)), "{refused:?}");
}

#[test]
fn values_of_a_newer_form_and_damaged_values_are_refused() {
    for table in [SUBMISSIONS, PROGRESS] {
        let (_folder, file) = new_file();
        write(&file, [new_record(1, execution())]);
        let edit_value = |change: fn(&mut Vec<u8>)| {
            edit(&file, table, |table| {
                let mut value = table.get(1).unwrap().unwrap().value().to_vec();
                change(&mut value);
                table.insert(1, value.as_slice()).unwrap();
            });
        };
        edit_value(|value| value[0] = 2);
        assert!(matches!(file.load(), Err(RedbError::Newer)));
        edit_value(|value| {
            value[0] = 1;
            value.pop();
        });
        assert!(matches!(file.load(), Err(RedbError::Damaged(_))));
    }
}

#[test]
fn a_gap_between_events_or_pieces_is_refused() {
    for table in [EVENTS, INPUT] {
        let (_folder, file) = new_file();
        let input = record_with_input(1, &InputPiece::End, 3).input;
        let record = RecordSnapshot {
            input,
            ..new_record(1, running())
        };
        write(&file, [record]);
        assert_eq!(file.load().unwrap().len(), 1);
        edit(&file, table, |parts| {
            assert!(parts.remove((1, 1)).unwrap().is_some());
        });
        assert!(matches!(file.load(), Err(RedbError::Damaged(_))));
    }
}

#[test]
fn nothing_is_left_of_a_deleted_record() {
    let (_folder, file) = new_file();
    let records = [
        record_with_input(1, &InputPiece::End, 1),
        new_record(2, execution()),
    ];
    write(&file, records);
    assert_eq!(entries(&file), 4 + 3);
    delete(&file, [1]);
    assert_eq!(entries(&file), 3);
    assert_eq!(file.load().unwrap()[0].order, 2);
    delete(&file, [2]);
    assert_eq!(entries(&file), 0);
}

#[test]
fn the_input_of_a_final_execution_is_deleted() {
    let (_folder, file) = new_file();
    let mut record = RecordSnapshot {
        input: record_with_input(1, &InputPiece::End, 1).input,
        ..new_record(1, running())
    };
    write(&file, [record.clone()]);
    assert_eq!(entries(&file), 5);
    record.execution = running().finish(finished(), at(2)).unwrap();
    record.events.clear();
    record.input = None;
    write(&file, [record]);
    assert_eq!(entries(&file), 4);
}

#[test]
fn the_room_of_deleted_records_is_given_back_when_the_file_is_opened() {
    let (folder, file) = new_file();
    let length = || folder.path().join(NAME).metadata().unwrap().len();
    // Half a MiB for each record, in many small values.
    let piece = InputPiece::Data(vec![b'x'; 1 << 10].into());
    write(
        &file,
        (1..=48).map(|order| record_with_input(order, &piece, 512)),
    );
    let full = length();
    assert!(full > 24 << 20, "{full}");
    delete(&file, 1..=44);
    for order in 49..=51 {
        write(&file, [new_record(order, interactive_execution())]);
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
