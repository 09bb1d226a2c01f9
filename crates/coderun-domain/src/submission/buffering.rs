//! Names the ways in which a program may hold back its output.

use crate::named_enum::named_enum;

named_enum! {
    /// When the C library of a program passes output on. Programs that buffer by other means are not affected.
    pub enum Buffering {
        /// At the end of each line and before each read, so that output is live and survives a crash.
        Line => "line",
        /// When its buffer is full or the program exits, which costs less CPU time where there are many short lines.
        Full => "full",
    }
}
