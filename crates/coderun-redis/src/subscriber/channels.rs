//! Names the channels of one deployment, and decodes the messages on them.

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

/// A message of another process, or of this one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// There may be work.
    Work,
    /// The owner cancels this execution.
    Cancellation(ExecutionId),
    /// This execution has new events.
    Events(ExecutionId),
    /// This execution has new input.
    Input(ExecutionId),
    /// This process has sent it to itself.
    Pulse,
    /// This version does not know it.
    Unknown,
}

impl Channels {
    pub(super) fn new(config: &RedisConfig) -> Self {
        let prefix = format!("{}:", config.key_prefix);
        let pulse = format!("{prefix}pulse:{:032x}", fastrand::u128(..));
        Self { prefix, pulse }
    }

    /// The channel for work and cancellations, which every process subscribes to.
    pub(super) fn signals(&self) -> String {
        format!("{}signals", self.prefix)
    }

    /// The channel that only this process subscribes to.
    pub(super) fn pulse(&self) -> &str {
        &self.pulse
    }

    /// The command that sends a pulse to this process, through the slot of a key with this number.
    pub(super) fn publish_pulse(&self, number: u64) -> Cmd {
        let mut command = Cmd::new();
        command.arg("EVAL").arg(PUBLISH).arg(1);
        command.arg(format!("{}pulse:{number}", self.prefix));
        command.arg(&self.pulse);
        command
    }

    /// The channel for the events and the input of this execution.
    pub(super) fn events(&self, id: ExecutionId) -> String {
        format!("{}events:{id}", self.prefix)
    }

    /// Decodes a message.
    pub(super) fn decode(&self, channel: &str, message: &[u8]) -> Message {
        if channel == self.pulse {
            return Message::Pulse;
        }
        let name = channel.strip_prefix(&self.prefix).unwrap_or_default();
        match name.split_once(':') {
            Some(("events", id)) => {
                let kind = if message == b"input" {
                    Message::Input
                } else {
                    Message::Events
                };
                id.parse().map_or(Message::Unknown, kind)
            }
            None if name == "signals" => decode_signal(message),
            Some(_) | None => Message::Unknown,
        }
    }
}

fn decode_signal(message: &[u8]) -> Message {
    let message = str::from_utf8(message).unwrap_or_default();
    match message.split_once(' ') {
        None if message == "work" => Message::Work,
        Some(("cancel", id)) => id.parse().map_or(Message::Unknown, Message::Cancellation),
        Some(_) | None => Message::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::execution_id;

    use super::*;

    #[test]
    fn messages_are_decoded_by_their_channel() {
        let config = RedisConfig::new("redis://localhost".parse().unwrap());
        let channels = Channels::new(&config);
        let id = execution_id(7);
        let decode = |channel: &str, message: &str| channels.decode(channel, message.as_bytes());
        assert_eq!(decode("coderun:signals", "work"), Message::Work);
        let cancel = format!("cancel {id}");
        assert_eq!(
            decode("coderun:signals", &cancel),
            Message::Cancellation(id)
        );
        assert_eq!(decode(&channels.events(id), "3"), Message::Events(id));
        assert_eq!(decode(&channels.events(id), "input"), Message::Input(id));
        assert_eq!(decode(channels.pulse(), ""), Message::Pulse);
        for (channel, message) in [
            ("coderun:signals", "dance"),
            ("coderun:signals", "cancel me"),
            ("coderun:events:x", "1"),
            ("other:signals", "work"),
        ] {
            assert_eq!(
                decode(channel, message),
                Message::Unknown,
                "{channel} {message}"
            );
        }
    }
}
