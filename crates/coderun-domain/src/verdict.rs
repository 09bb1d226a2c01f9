//! Names the verdicts of executions and the statuses that clients see.

use std::fmt;

/// The reason for which an execution is final. The names are the same in code, records and documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// The program was built (if compiled) and exited with code 0.
    Accepted,
    /// The program exited with code 0, but its output was not the expected one.
    WrongAnswer,
    /// The compiler refused the program.
    CompileError,
    /// The program exited with another code than 0, or a signal that it caused ended it.
    RuntimeError,
    /// The program used more CPU or wall time than allowed.
    TimeLimit,
    /// The program used more memory than allowed.
    MemoryLimit,
    /// The program wrote more than allowed; the head is kept.
    OutputLimit,
    /// The program needed more processes than allowed.
    ProcessLimit,
    /// The program made a system call for which the sandbox kills.
    SecurityViolation,
    /// The owner cancelled the execution.
    Cancelled,
    /// The runner refused the program.
    Rejected,
    /// The service failed, not the program.
    InternalError,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 12] = [
        Self::Accepted,
        Self::WrongAnswer,
        Self::CompileError,
        Self::RuntimeError,
        Self::TimeLimit,
        Self::MemoryLimit,
        Self::OutputLimit,
        Self::ProcessLimit,
        Self::SecurityViolation,
        Self::Cancelled,
        Self::Rejected,
        Self::InternalError,
    ];

    /// The name of the verdict, such as `time_limit`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::WrongAnswer => "wrong_answer",
            Self::CompileError => "compile_error",
            Self::RuntimeError => "runtime_error",
            Self::TimeLimit => "time_limit",
            Self::MemoryLimit => "memory_limit",
            Self::OutputLimit => "output_limit",
            Self::ProcessLimit => "process_limit",
            Self::SecurityViolation => "security_violation",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::InternalError => "internal_error",
        }
    }

    /// The verdict with this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|verdict| verdict.as_str() == word)
    }

    /// Whether the program ran to its end and exited with code 0.
    #[must_use]
    pub const fn is_success(self) -> bool {
        match self {
            Self::Accepted | Self::WrongAnswer => true,
            Self::CompileError
            | Self::RuntimeError
            | Self::TimeLimit
            | Self::MemoryLimit
            | Self::OutputLimit
            | Self::ProcessLimit
            | Self::SecurityViolation
            | Self::Cancelled
            | Self::Rejected
            | Self::InternalError => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The state of an execution as the API shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Accepted and waiting.
    Pending,
    /// Held by a worker.
    Running,
    /// Ended with success: see [`Verdict::is_success`].
    Completed,
    /// Ended in any other way.
    Error,
}

impl Status {
    /// The name of the status, such as `pending`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Error => "error",
        }
    }

    /// Whether the execution will not change again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
            Self::Completed | Self::Error => true,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<Verdict> for Status {
    fn from(verdict: Verdict) -> Self {
        if verdict.is_success() {
            Self::Completed
        } else {
            Self::Error
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_one_verdict() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_word(verdict.as_str()), Some(verdict));
        }
        assert_eq!(Verdict::from_word("ok"), None);
    }

    #[test]
    fn two_verdicts_are_completed() {
        let completed: Vec<_> = Verdict::ALL
            .into_iter()
            .filter(|verdict| Status::from(*verdict) == Status::Completed)
            .collect();
        assert_eq!(completed, [Verdict::Accepted, Verdict::WrongAnswer]);
    }
}
