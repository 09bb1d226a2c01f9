//! Recognises programs that ended because memory or a process was refused, by what their runtimes say last.
//!
//! Only the last line counts, before which a runtime's own trace may be skipped, and only together with the exit status that
//! the runtime gives such a program. So a program that handles the failure is judged by its own exit.

mod runtimes;

use coderun_domain::ExitStatus;

use runtimes::RUNTIMES;

/// A resource that a program asks for while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resource {
    /// Memory.
    Memory,
    /// A process or a thread.
    Process,
}

/// What one runtime does when a resource is refused and the program does not handle it.
struct Runtime {
    resource: Resource,
    /// Its last lines, with `*` for any text.
    messages: &'static [&'static str],
    /// How it ends the program then.
    endings: &'static [Ending],
    /// Lines that it may write after the message.
    trace: &'static [&'static str],
}

enum Ending {
    Code(i32),
    Signal(i32),
}

/// The resource that a program was refused which ended in this way and wrote this last; `None` if it ended for another reason.
///
/// Processes that multiply are refused at the same time, and their messages are mixed: of a program that left some behind and
/// ended as a runtime ends one that was refused a process, the kernel's own words for it are enough.
pub(super) fn refused_resource(
    exit_status: ExitStatus,
    stderr: &str,
    is_mixed: bool,
) -> Option<Resource> {
    let ended = |ending: &Ending| match ending {
        Ending::Code(code) => exit_status == ExitStatus::Exited(*code),
        Ending::Signal(number) => {
            matches!(exit_status, ExitStatus::Signaled(signal) if signal.number() == *number)
        }
    };
    let mut runtimes = RUNTIMES.iter();
    let found = runtimes.find(|it| it.endings.iter().any(ended) && it.says_so(stderr));
    let is_refused_process = || {
        let mut runtimes = RUNTIMES.iter();
        let ends_so =
            |it: &Runtime| it.resource == Resource::Process && it.endings.iter().any(ended);
        is_mixed && stderr.contains(PROCESS_REFUSED) && runtimes.any(ends_so)
    };
    found
        .map(|runtime| runtime.resource)
        .or_else(|| is_refused_process().then_some(Resource::Process))
}

/// What the C library says for `EAGAIN`, the kernel's answer at the limit of processes.
const PROCESS_REFUSED: &str = "Resource temporarily unavailable";

impl Runtime {
    fn says_so(&self, stderr: &str) -> bool {
        let is_message = |line: &&str| matches_any(line, self.messages);
        let mut lines = stderr.trim_end_matches('\n').rsplit('\n');
        let last = lines.find(|line| is_message(line) || !matches_any(line, self.trace));
        last.as_ref().is_some_and(is_message)
    }
}

fn matches_any(line: &str, patterns: &[&str]) -> bool {
    patterns.iter().any(|it| matches_pattern(line, it))
}

/// Whether a line is like a pattern, in which `*` stands for any text.
fn matches_pattern(line: &str, pattern: &str) -> bool {
    let Some((start, mut parts)) = pattern.split_once('*') else {
        return line == pattern;
    };
    let Some(mut rest) = line.strip_prefix(start) else {
        return false;
    };
    while let Some((part, others)) = parts.split_once('*') {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        (rest, parts) = (after, others);
    }
    rest.ends_with(parts)
}

#[cfg(test)]
mod tests;
