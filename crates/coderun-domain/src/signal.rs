//! Names signals as results show them.

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
        let name = name.strip_prefix("SIG")?;
        let mut known = NAMES.iter().zip(1..);
        match known.find(|(known, _)| **known == name) {
            Some((_, number)) => Some(Self(number)),
            None => name.parse().ok().map(Self),
        }
    }
}

impl fmt::Display for Signal {
    /// Prints the name, such as `SIGSEGV`; a number without a name prints as `SIG` and the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = NAMES.iter().zip(1..).find(|(_, number)| *number == self.0);
        match known {
            Some((name, _)) => write!(f, "SIG{name}"),
            None => write!(f, "SIG{}", self.0),
        }
    }
}

/// Signal names from number 1 on: the order is the same on x86-64 and aarch64 Linux.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
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
