//! `coderun check-config`: the settings in force, as a settings file.

use std::process::ExitCode;

use super::print;

/// Prints every setting that has a value. None of them is secret.
pub(crate) fn check_config(effective: &[(String, String)]) -> anyhow::Result<ExitCode> {
    for (key, value) in effective {
        print(&format!("{key} = {}", toml::Value::from(value.as_str())))?;
    }
    Ok(ExitCode::SUCCESS)
}
