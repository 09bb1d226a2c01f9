//! Reads what the kernel tells of a process in its `stat` file.

use std::fs;

/// The fields of a process's `stat` file, from its state on.
pub(crate) fn stat_fields(process_id: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process_id}/stat")).ok()?;
    // Before the state is the program's name, which may hold anything, in parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}
