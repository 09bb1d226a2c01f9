//! Names the verdicts of executions and the statuses that clients see.

use crate::named_enum::named_enum;

named_enum! {
    /// The reason for which an execution is final. The names are the same in code, records and documents.
    #[derive(PartialOrd, Ord)]
    pub enum Verdict {
        /// The program was built (if compiled) and exited with code 0.
        Accepted => "accepted",
        /// The program exited with code 0, but its output was not the expected one.
        WrongAnswer => "wrong_answer",
        /// The compiler refused the program.
        CompileError => "compile_error",
        /// The program exited with another code than 0, or a signal that it caused ended it.
        RuntimeError => "runtime_error",
        /// The program used more CPU or wall time than allowed.
        TimeLimit => "time_limit",
        /// The program used more memory than allowed.
        MemoryLimit => "memory_limit",
        /// The program wrote more than allowed; the head is kept.
        OutputLimit => "output_limit",
        /// The program needed more processes than allowed.
        ProcessLimit => "process_limit",
        /// The program made a system call for which the sandbox kills.
        SecurityViolation => "security_violation",
        /// The owner cancelled the execution.
        Cancelled => "cancelled",
        /// The runner refused the program.
        Rejected => "rejected",
        /// The service failed, not the program.
        InternalError => "internal_error",
    }
}

impl Verdict {
    /// Whether the program ran to its end and exited with code 0.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self, Self::Accepted | Self::WrongAnswer)
    }

    /// Whether a limit stopped the program.
    #[must_use]
    pub const fn is_limit(self) -> bool {
        matches!(
            self,
            Self::TimeLimit | Self::MemoryLimit | Self::OutputLimit | Self::ProcessLimit
        )
    }
}

named_enum! {
    /// The state of an execution as the API shows it.
    pub enum Status {
        /// Accepted and waiting.
        Pending => "pending",
        /// Held by a worker.
        Running => "running",
        /// Ended with success: see [`Verdict::is_success`].
        Completed => "completed",
        /// Ended in any other way.
        Error => "error",
    }
}

impl Status {
    /// Whether the execution will not change again.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Error)
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
    fn two_verdicts_are_completed() {
        let completed: Vec<_> = Verdict::ALL
            .into_iter()
            .filter(|verdict| Status::from(*verdict) == Status::Completed)
            .collect();
        assert_eq!(completed, [Verdict::Accepted, Verdict::WrongAnswer]);
    }
}
