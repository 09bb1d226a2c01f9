//! Bounds what a submission may contain and ask for.

use std::time::Duration;

use crate::{ByteSize, LimitPolicy};

/// The largest sizes of a submission and the limits that it may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmissionPolicy {
    /// The longest code.
    pub code_max: ByteSize,
    /// The longest input, and the longest expected output.
    pub input_max: ByteSize,
    /// The most arguments.
    pub args_max: usize,
    /// The longest argument.
    pub arg_max: ByteSize,
    /// The most files.
    pub files_max: usize,
    /// All files together.
    pub files_total_max: ByteSize,
    /// The limits of the program.
    pub limits: LimitPolicy,
    /// The default and maximum wall time of an interactive program, because typing takes longer than reading a file.
    /// `None` if no worker can pass input to a running program.
    pub interactive_wall_time: Option<Duration>,
}
