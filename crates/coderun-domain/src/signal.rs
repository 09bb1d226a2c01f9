//! Signals by their names, as a result shows them.

use std::fmt;

/// The signal that ended a program, by its Linux number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signal(i32);

impl Signal {
    /// The signal that no program can catch.
    pub const KILL: Self = Self(9);

    /// Wraps a signal number as the kernel reports it.
    #[must_use]
    pub const fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// The number the kernel uses.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The signal with this name (`SIGSEGV`, `SIG42`), if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let known = NAMES.iter().zip(1..).find(|(known, _)| **known == name);
        match known {
            Some((_, number)) => Some(Self(number)),
            None => name.strip_prefix("SIG")?.parse().ok().map(Self),
        }
    }
}

impl fmt::Display for Signal {
    /// Prints the name, such as `SIGSEGV`; a number without a name prints as `SIG` and the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = usize::try_from(self.0)
            .ok()
            .and_then(|number| number.checked_sub(1))
            .and_then(|index| NAMES.get(index));
        match name {
            Some(name) => f.write_str(name),
            None => write!(f, "SIG{}", self.0),
        }
    }
}

/// Signal names from number 1 on: the order is the same on x86-64 and aarch64 Linux.
const NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_agree() {
        for (number, name) in [
            (1, "SIGHUP"),
            (9, "SIGKILL"),
            (11, "SIGSEGV"),
            (31, "SIGSYS"),
            (34, "SIG34"),
        ] {
            assert_eq!(Signal::from_number(number).to_string(), name);
            assert_eq!(Signal::from_name(name), Some(Signal::from_number(number)));
        }
        assert_eq!(Signal::from_name("TERM"), None);
    }
}
