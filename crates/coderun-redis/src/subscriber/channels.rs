//! Names the channels of one process, and decodes the messages on them.

use coderun_domain::ExecutionId;
use deadpool_redis::redis::Cmd;

const PUBLISH: &str = "return redis.call('PUBLISH', ARGV[1], '')";

/// The names of the channels of one process.
#[derive(Debug)]
pub(crate) struct Channels {
    prefix: String,
    process: String,
    feed: String,
}

/// A message of another process, or of this one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// There may be work.
    Work,
    /// The owner cancels this execution.
    Cancellation(ExecutionId),
    /// Something happened to this execution without the worker that runs it.
    Change(ExecutionId),
    /// This execution has new input.
    Input(ExecutionId),
    /// An execution that this process watches has new events.
    Events(&'a [u8]),
    /// This process has sent it to itself.
    Pulse,
    /// This version does not know it.
    Unknown,
}

impl Channels {
    /// The channels of a new process, below the prefix of all keys and channels.
    pub(crate) fn new(prefix: &str) -> Self {
        let process = format!("{:032x}", fastrand::u128(..));
        Self {
            prefix: prefix.to_owned(),
            feed: format!("{prefix}feed:{process}"),
            process,
        }
    }

    /// The name by which the scripts know this process.
    pub(crate) fn process(&self) -> &str {
        &self.process
    }

    /// The channel for signals to every process.
    pub(super) fn signals(&self) -> String {
        format!("{}signals", self.prefix)
    }

    /// The channel that only this process subscribes to.
    pub(super) fn feed(&self) -> &str {
        &self.feed
    }

    /// The command that sends a pulse to this process, through the slot of a key with this number.
    pub(super) fn publish_pulse(&self, number: u64) -> Cmd {
        let mut command = Cmd::new();
        command.arg("EVAL").arg(PUBLISH).arg(1);
        command.arg(format!("{}pulse:{number}", self.prefix));
        command.arg(&self.feed);
        command
    }

    /// Decodes a message.
    pub(super) fn decode<'a>(&self, channel: &str, message: &'a [u8]) -> Message<'a> {
        match channel.strip_prefix(&self.prefix) {
            Some("signals") => decode_signal(message),
            Some(_) if channel == self.feed => match message {
                [] => Message::Pulse,
                events => Message::Events(events),
            },
            Some(_) | None => Message::Unknown,
        }
    }
}

fn decode_signal(message: &[u8]) -> Message<'static> {
    let message = str::from_utf8(message).unwrap_or_default();
    let Some((word, id)) = message.split_once(' ') else {
        return if message == "work" {
            Message::Work
        } else {
            Message::Unknown
        };
    };
    match (word, id.parse()) {
        ("cancel", Ok(id)) => Message::Cancellation(id),
        ("changed", Ok(id)) => Message::Change(id),
        ("input", Ok(id)) => Message::Input(id),
        (_, Ok(_) | Err(_)) => Message::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::execution_id;

    use super::*;

    #[test]
    fn messages_are_decoded_by_their_channel() {
        let channels = Channels::new("coderun:3:");
        let id = execution_id(7);
        for (signal, message) in [
            ("work".to_owned(), Message::Work),
            (format!("cancel {id}"), Message::Cancellation(id)),
            (format!("changed {id}"), Message::Change(id)),
            (format!("input {id}"), Message::Input(id)),
            (format!("dance {id}"), Message::Unknown),
            ("dance".to_owned(), Message::Unknown),
            ("cancel me".to_owned(), Message::Unknown),
        ] {
            let decoded = channels.decode("coderun:3:signals", signal.as_bytes());
            assert_eq!(decoded, message, "{signal}");
        }
        assert_eq!(channels.decode(channels.feed(), b""), Message::Pulse);
        assert_eq!(
            channels.decode(channels.feed(), b"x"),
            Message::Events(b"x")
        );
        for channel in ["other:3:signals", "coderun:3:feed:x"] {
            assert_eq!(channels.decode(channel, b"work"), Message::Unknown);
        }
    }
}
