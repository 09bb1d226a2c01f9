//! Adds to a failure of a backend what an operator can do about it.

use std::error::Error;
use std::fmt;

use crate::BackendError;

/// A failure of a backend with its cause in words that anyone may read: what is wrong, and what to do. They have no addresses
/// and no secrets.
///
/// It is one of the causes of an error of a port: [`Diagnosis::of`] finds it there.
#[derive(Debug)]
pub struct Diagnosis {
    text: String,
    source: BackendError,
}

impl Diagnosis {
    /// Explains a failure.
    pub fn new(text: impl Into<String>, source: impl Into<BackendError>) -> Self {
        Self {
            text: text.into(),
            source: source.into(),
        }
    }

    /// The words of the first diagnosis among the causes of an error.
    #[must_use]
    pub fn of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a str> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(diagnosis) = error.downcast_ref::<Self>() {
                return Some(&diagnosis.text);
            }
            cause = error.source();
        }
        None
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Diagnosis {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + 'static) = self.source.as_ref();
        Some(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorChain, StoreError};

    #[test]
    fn a_diagnosis_is_found_behind_the_error_of_a_port() {
        let failure = |source| StoreError::Unavailable {
            backend: "test",
            source,
        };
        let explained = failure(Box::new(Diagnosis::new("the disk is full", "ENOSPC")));
        assert_eq!(Diagnosis::of(&explained), Some("the disk is full"));
        assert_eq!(
            ErrorChain(&explained).to_string(),
            "the store `test` is not available: the disk is full: ENOSPC"
        );
        assert_eq!(Diagnosis::of(&failure("ENOSPC".into())), None);
    }
}
