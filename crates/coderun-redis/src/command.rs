//! Builds commands from words.

use deadpool_redis::redis::Cmd;

/// The command that these words make.
pub(crate) fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(words);
    command
}
