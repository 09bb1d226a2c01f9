//! Makes settings for tests.

use std::collections::HashMap;

use super::{Settings, read};

/// The settings of a process with these environment variables and no flags.
pub(crate) fn settings_with(variables: &[(&'static str, &'static str)]) -> Settings {
    let environment: HashMap<_, _> = variables.iter().copied().collect();
    let read = read(["coderun".into()], &environment);
    read.expect("good settings").settings
}
