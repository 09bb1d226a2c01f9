//! Describes one mistake and its sentence.

use coderun_domain::{ExitStatus, Signal};
use regex_lite::Captures;
use serde::Deserialize;
use serde::de::Error as _;

use super::failed_run::FailedRun;
use super::pattern::Pattern;

/// The most characters of a message that a sentence repeats at a place.
const REPEATED_CHARS: usize = 60;

/// A mistake, by what came of it, and the sentence that helps.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "HintFields")]
pub(super) struct Hint(HintFields);

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct HintFields {
    message: Option<Pattern>,
    #[serde(default, deserialize_with = "signal_by_name")]
    signal: Option<Signal>,
    exit_code: Option<i32>,
    when: Option<Condition>,
    hint: String,
}

/// One more condition of a hint.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Condition {
    /// Stderr is empty and the program exited by itself.
    Silent,
    /// There was no input, and none could come.
    NoInput,
    /// The program used little of its time on a processor.
    Waited,
    /// The run ended with the compiler.
    Compiling,
}

impl Condition {
    fn holds(self, run: &FailedRun<'_>) -> bool {
        let has_exited = matches!(run.exit_status, Some(ExitStatus::Exited(_)));
        match self {
            Self::Silent => has_exited && run.text.is_empty(),
            Self::NoInput => run.has_no_input,
            Self::Waited => run.has_waited,
            Self::Compiling => run.is_compiling,
        }
    }
}

impl Hint {
    /// The sentence, if the run failed in this way and one of the messages is that of the mistake.
    pub(super) fn sentence(&self, run: &FailedRun<'_>, messages: &[&str]) -> Option<String> {
        if !self.fits(run) {
            return None;
        }
        let Some(message) = &self.0.message else {
            return Some(self.0.hint.clone());
        };
        let captures = messages.iter().find_map(|it| message.captures(it))?;
        Some(fill(&self.0.hint, &captures))
    }

    fn fits(&self, run: &FailedRun<'_>) -> bool {
        let wanted = &self.0;
        let of_signal = wanted.signal.map(|signal| 128 + signal.number());
        let code = of_signal.or(wanted.exit_code);
        (code.is_none() || code == run.exit_code())
            && wanted.when.is_none_or(|condition| condition.holds(run))
    }
}

/// Says why a hint is not valid.
#[derive(Debug, thiserror::Error)]
#[error("`hint` has {{{0}}}, and `message` has no such group")]
struct UnknownGroup(usize);

impl TryFrom<HintFields> for Hint {
    type Error = UnknownGroup;

    fn try_from(fields: HintFields) -> Result<Self, Self::Error> {
        let known = fields.message.as_ref().map_or(0, Pattern::groups);
        let unknown =
            (1..=9).find(|group| *group > known && fields.hint.contains(&format!("{{{group}}}")));
        unknown.map_or(Ok(Self(fields)), |group| Err(UnknownGroup(group)))
    }
}

fn signal_by_name<'de, D: serde::Deserializer<'de>>(source: D) -> Result<Option<Signal>, D::Error> {
    let name = String::deserialize(source)?;
    let signal = Signal::from_name(&name);
    signal
        .map(Some)
        .ok_or_else(|| D::Error::custom(format!("unknown signal `{name}`")))
}

/// The sentence with the groups of the message at their places.
fn fill(sentence: &str, captures: &Captures<'_>) -> String {
    let mut filled = String::new();
    let mut parts = sentence.split('{');
    filled.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let group = part.split_once('}');
        let group = group.and_then(|(number, rest)| Some((number.parse().ok()?, rest)));
        if let Some((number, rest)) = group {
            let repeated = captures.get(number).map_or("", |it| it.as_str());
            filled.push_str(&printable(repeated));
            filled.push_str(rest);
        } else {
            filled.push('{');
            filled.push_str(part);
        }
    }
    filled
}

/// The beginning of a captured text, without what would not be seen.
fn printable(text: &str) -> String {
    // Control characters, and those that change the direction of what follows.
    let is_unseen = |it: &char| {
        it.is_control()
            || matches!(it, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
    };
    let mut chars = text.chars().filter(|it| !is_unseen(it));
    let mut head: String = chars.by_ref().take(REPEATED_CHARS).collect();
    if chars.next().is_some() {
        head.push('…');
    }
    head
}
