//! Prints an error with its causes in one line.

use std::error::Error;
use std::fmt;

/// Shows an error and its causes, each after the one that it caused, for a log.
#[derive(Debug, Clone, Copy)]
pub struct ErrorChain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StoreError;

    #[test]
    fn causes_follow_their_effects() {
        let error = StoreError::Unavailable {
            backend: "test",
            source: "connection refused".into(),
        };
        assert_eq!(
            ErrorChain(&error).to_string(),
            "the store `test` is not available: connection refused"
        );
    }
}
