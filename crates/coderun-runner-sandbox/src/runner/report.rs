//! Builds what all reports of this runner have in common.

use coderun_domain::{Enforcement, Report, Usage, Verdict};

use crate::toolchain::Toolchain;

/// The name of this runner in reports.
pub(super) const NAME: &str = "sandbox";

/// The report on a program that was not run.
pub(super) fn not_run(verdict: Verdict, toolchain: &Toolchain, enforcement: Enforcement) -> Report {
    Report {
        verdict,
        exit_status: None,
        usage: Usage::default(),
        compile: None,
        language_version: toolchain.version.clone(),
        runner: NAME.to_owned(),
        enforcement,
        hint: None,
    }
}
