//! Finds the message of a runtime or compiler, and the first hint of a group that fits.

use std::collections::HashSet;

use coderun_domain::Verdict;
use serde::Deserialize;

use super::failed_run::FailedRun;
use super::hint::Hint;
use super::pattern::Pattern;

/// The most lines that a message has.
const MESSAGE_LINES: usize = 4;

/// The beginning of a message that patterns see: each of them takes time for each byte.
const MESSAGE_BYTES: usize = 1024;

/// The most bytes of a trace that patterns see. Lines that repeat, as those of a deep recursion, count once.
const TRACE_BYTES: usize = 8 * 1024;

/// The hints for some languages, by verdict, and where the messages of these languages stand.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Group {
    /// The languages; none means all.
    pub(super) languages: Vec<String>,
    /// What the runtime ends with after its message; none means any code.
    exit_codes: Vec<i32>,
    /// Lines that the runtime writes after the message.
    trace: Vec<Pattern>,
    /// A line of the compiler with an error; its first group is the message.
    error: Option<Pattern>,
    runtime_error: Vec<Hint>,
    compile_error: Vec<Hint>,
    time_limit: Vec<Hint>,
    memory_limit: Vec<Hint>,
    output_limit: Vec<Hint>,
    process_limit: Vec<Hint>,
    security_violation: Vec<Hint>,
}

impl Group {
    /// The first hint that fits, and its sentence.
    pub(super) fn find(&self, run: &FailedRun<'_>) -> Option<(&Hint, String)> {
        let is_meant =
            self.languages.is_empty() || self.languages.iter().any(|it| it == run.language);
        let hints = self.hints(run.verdict);
        if !is_meant || hints.is_empty() {
            return None;
        }
        let messages = self.messages(run);
        let mut hints = hints.iter();
        hints.find_map(|hint| Some((hint, hint.sentence(run, &messages)?)))
    }

    /// The same for one language alone.
    pub(super) fn of_language(self, language: &str) -> Self {
        Self {
            languages: vec![language.to_owned()],
            ..self
        }
    }

    /// Takes a language in if there are hints for the other, which it is like.
    pub(super) fn include_like(&mut self, language: &str, other: &str) {
        if self.languages.iter().any(|it| it == other) {
            self.languages.push(language.to_owned());
        }
    }

    /// The hints for a verdict.
    pub(super) fn hints(&self, verdict: Verdict) -> &[Hint] {
        match verdict {
            Verdict::RuntimeError => &self.runtime_error,
            Verdict::CompileError => &self.compile_error,
            Verdict::TimeLimit => &self.time_limit,
            Verdict::MemoryLimit => &self.memory_limit,
            Verdict::OutputLimit => &self.output_limit,
            Verdict::ProcessLimit => &self.process_limit,
            Verdict::SecurityViolation => &self.security_violation,
            Verdict::Accepted
            | Verdict::WrongAnswer
            | Verdict::Cancelled
            | Verdict::Rejected
            | Verdict::InternalError => &[],
        }
    }

    /// The texts that may be the message: it may have one line or more.
    pub(super) fn messages<'a>(&self, run: &'a FailedRun<'_>) -> Vec<&'a str> {
        if run.verdict == Verdict::CompileError {
            return self.first_error(&run.text);
        }
        let has_its_code = self.exit_codes.is_empty()
            || run
                .exit_code()
                .is_none_or(|code| self.exit_codes.contains(&code));
        if has_its_code {
            self.last_lines(&run.text)
        } else {
            Vec::new()
        }
    }

    /// The compiler's first error, with none, one and more of the lines that follow it.
    fn first_error<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let Some(error) = &self.error else {
            return Vec::new();
        };
        let mut rest = text;
        loop {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            if let Some(message) = error
                .captures(line.trim_end())
                .and_then(|found| found.get(1))
            {
                let message = rest.get(message.start()..).unwrap_or_default();
                return heads(message);
            }
            if after.is_empty() {
                return Vec::new();
            }
            rest = after;
        }
    }

    /// The last line before the trace, with none, one and more of the lines before it.
    fn last_lines<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut text = text.trim_end();
        let (mut known, mut bytes_left) = (HashSet::new(), TRACE_BYTES);
        let mut is_of_trace = |line: &'a str| {
            if known.contains(line) {
                return true;
            }
            let line_start = clipped(line);
            let left = bytes_left.checked_sub(line_start.len());
            bytes_left = left.unwrap_or(0);
            let is_of_trace = left.is_some() && self.trace.iter().any(|it| it.matches(line_start));
            is_of_trace && known.insert(line)
        };
        loop {
            let (before, line) = text.rsplit_once('\n').unwrap_or(("", text));
            let marked = is_marker(line).then(|| before.rsplit_once('\n')).flatten();
            text = match marked {
                Some((before, _)) => before,
                None if !before.is_empty() && is_of_trace(line) => before,
                None => return tails(text),
            };
        }
    }
}

/// Whether a line marks a part of the line before it, which is of the program and not of the message.
fn is_marker(line: &str) -> bool {
    line.contains('^') && line.chars().all(|it| matches!(it, ' ' | '~' | '^'))
}

/// The beginning of a text that patterns see.
fn clipped(text: &str) -> &str {
    let end = text.floor_char_boundary(MESSAGE_BYTES);
    text.get(..end).unwrap_or(text)
}

/// The first line of a text, its first two lines, and so on.
fn heads(text: &str) -> Vec<&str> {
    let text = clipped(text);
    let ends = text.match_indices('\n').map(|(end, _)| end);
    let ends = ends.chain([text.len()]).take(MESSAGE_LINES);
    ends.filter_map(|end| text.get(..end)).collect()
}

/// The last line of a text, its last two lines, and so on.
fn tails(text: &str) -> Vec<&str> {
    let starts = text.rmatch_indices('\n').map(|(end, _)| end + 1);
    let starts = starts.chain([0]).take(MESSAGE_LINES);
    let tails = starts.filter_map(|start| text.get(start..));
    tails.map(clipped).collect()
}
