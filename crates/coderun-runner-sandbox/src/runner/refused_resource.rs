//! Recognises programs that ended because memory or a process was refused, by what their runtimes say last.
//!
//! Only the last line counts, before which a runtime's own trace may be skipped, and only together with the exit status that
//! the runtime gives such a program. So a program that handles the failure is judged by its own exit.

use coderun_domain::ExitStatus;

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

const RUNTIMES: [Runtime; 15] = [
    PYTHON,
    PYTHON_PROCESS,
    CPP,
    CPP_PROCESS,
    NODE_ABORT,
    NODE,
    JAVA_PROCESS,
    JAVA,
    GO,
    GO_PROCESS,
    RUST,
    BASH,
    BASH_FORK,
    BASH_PROCESS,
    COMPILER,
];

const PYTHON: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "MemoryError",
        "MemoryError: *",
        "numpy.core._exceptions._ArrayMemoryError: *",
        "numpy._core._exceptions._ArrayMemoryError: *",
        "OSError: [Errno 12] Cannot allocate memory*",
    ],
    endings: &[Ending::Code(1)],
    trace: &[],
};

const PYTHON_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &[
        "BlockingIOError: [Errno 11] Resource temporarily unavailable",
        "RuntimeError: can't start new thread",
    ],
    ..PYTHON
};

const CPP: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "  what():  std::bad_alloc",
        "libc++abi: terminating *std::bad_alloc*",
    ],
    endings: &[Ending::Signal(libc::SIGABRT)],
    trace: &[],
};

const CPP_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["  what():  Resource temporarily unavailable"],
    ..CPP
};

/// V8 cannot go on without memory for its own heap.
const NODE_ABORT: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "FATAL ERROR: *JavaScript heap out of memory",
        "FATAL ERROR: *Allocation failed - process out of memory",
        "# Fatal process out of memory: *",
        "# Fatal JavaScript out of memory: *",
    ],
    endings: &[
        Ending::Signal(libc::SIGABRT),
        Ending::Signal(libc::SIGTRAP),
        Ending::Signal(libc::SIGILL),
    ],
    trace: &["----- * stack trace -----", "*: 0x*", "#", ""],
};

const NODE: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "RangeError: Array buffer allocation failed",
        "RangeError: WebAssembly.*: could not allocate memory*",
    ],
    endings: &[Ending::Code(1)],
    trace: &["    at *", "Node.js v*", ""],
};

const JAVA_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["*java.lang.OutOfMemoryError: unable to create native thread*"],
    ..JAVA
};

const JAVA: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "Exception in thread *java.lang.OutOfMemoryError*",
        "Caused by: java.lang.OutOfMemoryError*",
        "# There is insufficient memory for the Java Runtime Environment to continue.",
        "Could not reserve enough space for *",
    ],
    endings: &[Ending::Code(1)],
    trace: &["\tat *", "\t... *", "# *", "#", ""],
};

const GO: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "fatal error: *out of memory*",
        "fatal error: *cannot allocate memory*",
    ],
    endings: &[Ending::Code(2)],
    trace: &[
        "goroutine *",
        "runtime stack:",
        "created by *",
        "\t*",
        "*)",
        "",
    ],
};

const GO_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["fatal error: newosproc"],
    ..GO
};

const RUST: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["memory allocation of * bytes failed"],
    endings: &[Ending::Signal(libc::SIGABRT)],
    trace: &[],
};

const BASH: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "*: xmalloc: cannot allocate * bytes*",
        "*: xrealloc: cannot allocate * bytes*",
    ],
    endings: &[Ending::Code(2)],
    trace: &[],
};

const BASH_FORK: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &["*: fork: Cannot allocate memory"],
    endings: &[Ending::Code(254)],
    trace: &[],
};

const BASH_PROCESS: Runtime = Runtime {
    resource: Resource::Process,
    messages: &["*: fork: Resource temporarily unavailable"],
    ..BASH_FORK
};

const COMPILER: Runtime = Runtime {
    resource: Resource::Memory,
    messages: &[
        "*: out of memory allocating * bytes*",
        "virtual memory exhausted: *",
    ],
    endings: &[Ending::Code(1)],
    trace: &[],
};

/// The resource that a program was refused which ended in this way and wrote this last; `None` if it ended for another reason.
pub(super) fn refused_resource(exit_status: ExitStatus, stderr: &str) -> Option<Resource> {
    let ended = |ending: &Ending| match ending {
        Ending::Code(code) => exit_status == ExitStatus::Exited(*code),
        Ending::Signal(number) => {
            matches!(exit_status, ExitStatus::Signaled(signal) if signal.number() == *number)
        }
    };
    let mut runtimes = RUNTIMES.iter();
    let found = runtimes.find(|it| it.endings.iter().any(ended) && it.says_so(stderr));
    found.map(|runtime| runtime.resource)
}

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
