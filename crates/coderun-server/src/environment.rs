//! Reads environment variables through a trait, so that tests can supply their own.

use std::env::VarError;

/// A source of environment variables.
pub trait Environment {
    /// The value of a variable; `None` if it is unset or empty.
    ///
    /// # Errors
    /// [`NotUnicode`] if its value is not Unicode.
    fn get(&self, name: &str) -> Result<Option<String>, NotUnicode>;
}

/// A variable whose value is not Unicode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `{name}` is not valid Unicode")]
pub struct NotUnicode {
    name: String,
}

/// The environment of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the environment is read"
    )]
    fn get(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        match std::env::var(name) {
            Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
            Err(VarError::NotPresent) => Ok(None),
            Err(VarError::NotUnicode(_)) => Err(NotUnicode {
                name: name.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
impl<S: std::hash::BuildHasher> Environment for std::collections::HashMap<&str, &str, S> {
    fn get(&self, name: &str) -> Result<Option<String>, NotUnicode> {
        let value = std::collections::HashMap::get(self, name);
        let value = value.filter(|value| !value.is_empty());
        Ok(value.map(|value| (*value).to_owned()))
    }
}
