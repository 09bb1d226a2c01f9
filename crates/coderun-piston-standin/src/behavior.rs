//! Scripts what the stand-in does with the programs to come.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use crate::Reply;

/// What becomes of one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Behavior {
    /// It runs, and its result is the answer.
    #[default]
    Run,
    /// It runs after [`release`](crate::PistonStandin::release) was called.
    Hold,
    /// It does not run, and this is the answer.
    Reply(Reply),
    /// It runs, and this is the answer.
    RunThenReply(Reply),
}

impl From<Reply> for Behavior {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// The behavior for each of the programs to come, and for all after those.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) next: VecDeque<Behavior>,
    pub(crate) then: Behavior,
}

impl Script {
    pub(crate) fn take(&mut self) -> Behavior {
        self.next.pop_front().unwrap_or_else(|| self.then.clone())
    }
}

/// A text that names no behavior.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `run`, `reset`, `never`, `truncated`, `slow[:MILLISECONDS]`, `large[:BYTES]`, `nested[:LEVELS]` or \
     `STATUS[:RETRY_AFTER]`; `after-run:` before it runs the program first"
)]
pub struct UnknownBehavior;

impl FromStr for Behavior {
    type Err = UnknownBehavior;

    /// Reads names such as `run`, `reset`, `429:30` or `after-run:500`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "run" {
            return Ok(Self::Run);
        }
        match text.strip_prefix("after-run:") {
            Some(text) => reply(text).map(Self::RunThenReply),
            None => reply(text).map(Self::Reply),
        }
    }
}

fn reply(text: &str) -> Result<Reply, UnknownBehavior> {
    let (name, argument) = text.split_once(':').unwrap_or((text, ""));
    let number = |default: u64| match argument {
        "" => Ok(default),
        argument => argument.parse().map_err(|_| UnknownBehavior),
    };
    let count = |default| number(default).map(|count| usize::try_from(count).unwrap_or(usize::MAX));
    Ok(match name {
        "reset" => Reply::reset(),
        "never" => Reply::never(),
        "truncated" => Reply::success("Hello, World!\n").truncated(),
        "slow" => Reply::success("").byte_by_byte(Duration::from_millis(number(100)?)),
        // An answer has the output twice.
        "large" => Reply::success(&"x".repeat(count(10 << 20)? / 2)),
        "nested" => Reply::nested_json(count(200_000)?),
        status => match status.parse() {
            Ok(status @ 200..=599) if argument.is_empty() => Reply::status(status),
            Ok(status @ 200..=599) => Reply::status(status).header("retry-after", argument),
            Ok(_) | Err(_) => return Err(UnknownBehavior),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_and_without_arguments() {
        let read = |text: &str| text.parse::<Behavior>();
        assert_eq!(read("run"), Ok(Behavior::Run));
        assert_eq!(read("reset"), Ok(Reply::reset().into()));
        let busy = Reply::status(429).header("retry-after", "30");
        assert_eq!(read("429:30"), Ok(busy.into()));
        let lost = Behavior::RunThenReply(Reply::status(500));
        assert_eq!(read("after-run:500"), Ok(lost));
        assert_eq!(read("large:2"), Ok(Reply::success("x").into()));
        for text in ["", "rest", "99", "large:x", "after-run:run"] {
            assert_eq!(read(text), Err(UnknownBehavior), "{text}");
        }
    }
}
