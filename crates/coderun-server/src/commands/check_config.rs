//! `coderun check-config` prints the effective settings as a settings file.

use std::process::ExitCode;

use super::print;

/// Prints every setting that has a value, without secrets.
pub(crate) fn check_config(effective: &[(String, String)]) -> anyhow::Result<ExitCode> {
    for (key, value) in effective {
        print(&format!("{key} = {}", toml::Value::from(value.as_str())))?;
    }
    Ok(ExitCode::SUCCESS)
}
