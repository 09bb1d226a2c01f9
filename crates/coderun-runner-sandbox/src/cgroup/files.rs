//! Reads the files of control groups, and removes their folders.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// Removes a group's folder, after waiting for processes that are still being taken down.
pub(super) fn remove_folder(folder: &Path) -> io::Result<()> {
    remove_folder_until(folder, Instant::now() + REMOVAL_DEADLINE)
}

/// As [`remove_folder`], but waits no longer than given.
pub(super) fn remove_folder_until(folder: &Path, deadline: Instant) -> io::Result<()> {
    loop {
        match fs::remove_dir(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() != io::ErrorKind::ResourceBusy => return Err(error),
            Err(error) if Instant::now() >= deadline => return Err(error),
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// The longest wait for processes that were killed.
pub(super) const REMOVAL_DEADLINE: Duration = Duration::from_secs(2);

/// Reads a file that holds one number.
pub(super) fn read_number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Reads the number behind a word at the beginning of a line.
pub(super) fn read_entry(file: &Path, word: &str) -> Option<u64> {
    entry(&fs::read_to_string(file).ok()?, word)
}

/// How many processes the machine has killed for lack of memory, its own or that of a group, since it started.
pub(crate) fn machine_memory_kills() -> Option<u64> {
    read_entry(Path::new("/proc/vmstat"), "oom_kill")
}

/// Adds up the numbers behind two words at the beginnings of lines.
pub(super) fn read_sum(file: &Path, words: [&str; 2]) -> Option<u64> {
    let text = fs::read_to_string(file).ok()?;
    let [first, second] = words;
    Some(entry(&text, first)?.saturating_add(entry(&text, second)?))
}

fn entry(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (found, number) = line.split_once(' ')?;
        (found == word).then(|| number.trim().parse().ok())?
    })
}

/// Whether a file has all these words.
pub(super) fn has_words(file: &Path, words: &[&str]) -> bool {
    let Ok(text) = fs::read_to_string(file) else {
        return false;
    };
    let found: Vec<&str> = text.split_whitespace().collect();
    words.iter().all(|word| found.contains(word))
}
