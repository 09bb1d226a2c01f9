use std::sync::Barrier;

use super::*;
use crate::file::File;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// Leaves an unfinished file, as a killed start does.
fn leave(folder: &Path, number: u32, contents: &[u8]) {
    let name = format!("{UNFINISHED}1-{number}");
    fs::write(folder.join(name), contents).unwrap();
}

#[test]
fn a_start_removes_unfinished_files() {
    let folder = tempfile::tempdir().unwrap();
    leave(folder.path(), 0, b"");
    leave(folder.path(), 1, b"redb, but not much of it");
    fs::write(folder.path().join("coderun.toml"), "").unwrap();
    File::in_folder(folder.path()).unwrap();
    assert_eq!(names(folder.path()), [NAME, "coderun.toml"]);
}

#[test]
fn a_start_removes_a_second_name_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    drop(File::in_folder(folder.path()).unwrap());
    // The earlier start was killed after it had given the file its name.
    let unfinished = folder.path().join(format!("{UNFINISHED}1-0"));
    fs::hard_link(folder.path().join(NAME), unfinished).unwrap();
    File::in_folder(folder.path()).unwrap();
    assert_eq!(names(folder.path()), [NAME]);
}

#[test]
fn the_file_has_its_name_only_when_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    create_folder(folder.path()).unwrap();
    let (file, unfinished) = begin(folder.path()).unwrap();
    assert!(!path.exists());
    finish(file).unwrap();
    assert!(!path.exists());
    publish(unfinished, &path).unwrap();
    File::new(builder().open(path).unwrap()).unwrap();
}

#[test]
fn a_second_start_leaves_the_file_of_the_first_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(NAME);
    fs::write(&path, "of the first").unwrap();
    for removed_by_the_first in [false, true] {
        let (file, unfinished) = begin(folder.path()).unwrap();
        finish(file).unwrap();
        if removed_by_the_first {
            fs::remove_file(&unfinished).unwrap();
        }
        publish(unfinished, &path).unwrap();
    }
    assert_eq!(names(folder.path()), [NAME]);
    assert_eq!(fs::read_to_string(path).unwrap(), "of the first");
}

#[test]
fn a_file_that_cannot_get_its_name_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (_, unfinished) = begin(folder.path()).unwrap();
    fs::remove_file(&unfinished).unwrap();
    let error = publish(unfinished, &folder.path().join(NAME)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}

#[test]
fn of_many_first_starts_one_opens_the_file_and_the_others_find_it_in_use() {
    const STARTS: usize = 4;
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let barrier = Barrier::new(STARTS);
        let start = || {
            barrier.wait();
            File::in_folder(folder.path())
        };
        let opened: Vec<_> = std::thread::scope(|scope| {
            let starts = [(); STARTS].map(|()| scope.spawn(start));
            starts
                .map(|start| start.join().unwrap())
                .into_iter()
                .collect()
        });
        assert_eq!(
            opened.iter().filter(|it| it.is_ok()).count(),
            1,
            "{opened:?}"
        );
        let is_expected = |it: &Result<_, _>| matches!(it, Ok(_) | Err(RedbError::InUse { .. }));
        assert!(opened.iter().all(is_expected), "{opened:?}");
        assert_eq!(names(folder.path()), [NAME]);
    }
}
