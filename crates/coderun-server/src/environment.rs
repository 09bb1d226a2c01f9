//! The process environment behind a trait, so that tests bring their own.

/// Where environment variables come from.
pub trait Environment {
    /// The value of a variable; `None` if it is unset, empty or not Unicode.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment that the process was started with.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the environment is read"
    )]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
impl<S: std::hash::BuildHasher> Environment for std::collections::HashMap<&str, &str, S> {
    fn get(&self, name: &str) -> Option<String> {
        let value = std::collections::HashMap::get(self, name)?;
        (!value.is_empty()).then(|| (*value).to_owned())
    }
}
