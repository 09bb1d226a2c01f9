//! Restricts files and signals with landlock, a second barrier that holds even if a mount is wrong.

use landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset,
    RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use rustix::io::Errno;

use super::step::{StepContext, StepError};

/// The version that this is written for; older kernels enforce what they know of it.
const VERSION: ABI = ABI::V6;

/// Restricts this process and all that it will start. Returns whether the kernel enforces any of it.
pub(super) fn restrict_self() -> Result<bool, StepError> {
    // An operator has no use for the rule that failed: the kernel offers landlock or it does not.
    let status = restrict().map_err(|_| Errno::IO).step("apply landlock")?;
    Ok(status != RulesetStatus::NotEnforced)
}

fn restrict() -> Result<RulesetStatus, RulesetError> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(VERSION))?
        .scope(Scope::from_all(VERSION))?
        .create()?;
    let read = AccessFs::from_read(VERSION);
    let ruleset = allow(ruleset, "/", read)?;
    let ruleset = allow(
        ruleset,
        "/dev",
        read | AccessFs::WriteFile | AccessFs::Truncate,
    )?;
    let writable = ["/box", "/tmp", "/dev/shm"];
    let ruleset = writable.into_iter().try_fold(ruleset, |ruleset, folder| {
        allow(ruleset, folder, AccessFs::from_all(VERSION))
    })?;
    Ok(ruleset.restrict_self()?.ruleset)
}

fn allow(
    ruleset: RulesetCreated,
    folder: &str,
    access: BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    // A folder that is missing gets no rule, and so no access.
    match PathFd::new(folder) {
        Ok(folder) => ruleset.add_rule(PathBeneath::new(folder, access)),
        Err(_) => Ok(ruleset),
    }
}
