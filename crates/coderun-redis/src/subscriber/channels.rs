//! The names of channels, and what is said on them.

use coderun_domain::ExecutionId;
use deadpool_redis::redis::Cmd;

use crate::RedisConfig;

const PUBLISH: &str = "return redis.call('PUBLISH', ARGV[1], '')";

/// The names of the channels of one deployment.
#[derive(Debug)]
pub(super) struct Channels {
    prefix: String,
    pulse: String,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// There is work.
    Work,
    /// This execution is to be stopped.
    Cancel(ExecutionId),
    /// Something happened to this execution.
    Event(ExecutionId),
    /// Something was sent to this execution.
    Input(ExecutionId),
    /// What this process said itself.
    Pulse,
    /// Nothing that this version knows.
    Unknown,
}

impl Channels {
    pub(super) fn new(config: &RedisConfig) -> Self {
        let prefix = format!("{}:", config.key_prefix);
        let pulse = format!("{prefix}pulse:{}", uuid());
        Self { prefix, pulse }
    }

    /// Where everybody is told of work and of what is to be stopped.
    pub(super) fn signals(&self) -> String {
        format!("{}signals", self.prefix)
    }

    /// Where this process hears itself.
    pub(super) fn pulse(&self) -> &str {
        &self.pulse
    }

    /// The command that speaks to this process, by way of a slot that this number names.
    pub(super) fn publish_pulse(&self, number: u64) -> Cmd {
        let mut command = Cmd::new();
        command.arg("EVAL").arg(PUBLISH).arg(1);
        command.arg(format!("{}pulse:{number}", self.prefix));
        command.arg(&self.pulse);
        command
    }

    /// Where those are told who watch this execution or wait for its input.
    pub(super) fn events(&self, id: ExecutionId) -> String {
        format!("{}events:{id}", self.prefix)
    }

    /// What a message means.
    pub(super) fn read(&self, channel: &str, message: &[u8]) -> Message {
        if channel == self.pulse {
            return Message::Pulse;
        }
        let name = channel.strip_prefix(&self.prefix).unwrap_or_default();
        match name.split_once(':') {
            Some(("events", id)) => {
                let heard = if message == b"input" {
                    Message::Input
                } else {
                    Message::Event
                };
                id.parse().map_or(Message::Unknown, heard)
            }
            None if name == "signals" => signal(message),
            Some(_) | None => Message::Unknown,
        }
    }
}

fn signal(message: &[u8]) -> Message {
    let message = str::from_utf8(message).unwrap_or_default();
    match message.split_once(' ') {
        None if message == "work" => Message::Work,
        Some(("cancel", id)) => id.parse().map_or(Message::Unknown, Message::Cancel),
        Some(_) | None => Message::Unknown,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the name of a channel, not an id of the domain"
)]
fn uuid() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::execution_id;

    use super::*;

    #[test]
    fn messages_are_read_by_their_channel() {
        let config = RedisConfig::new("redis://localhost".parse().unwrap());
        let channels = Channels::new(&config);
        let id = execution_id(7);
        let read = |channel: &str, message: &str| channels.read(channel, message.as_bytes());
        assert_eq!(read("coderun:signals", "work"), Message::Work);
        let cancel = format!("cancel {id}");
        assert_eq!(read("coderun:signals", &cancel), Message::Cancel(id));
        assert_eq!(read(&channels.events(id), "3"), Message::Event(id));
        assert_eq!(read(&channels.events(id), "input"), Message::Input(id));
        assert_eq!(read(channels.pulse(), ""), Message::Pulse);
        for (channel, message) in [
            ("coderun:signals", "dance"),
            ("coderun:signals", "cancel me"),
            ("coderun:events:x", "1"),
            ("other:signals", "work"),
        ] {
            assert_eq!(
                read(channel, message),
                Message::Unknown,
                "{channel} {message}"
            );
        }
    }
}
