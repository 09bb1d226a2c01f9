//! Holds what all runs on this machine share.

use crate::cgroup::Groups;
use crate::launcher_process::LauncherProcess;
use crate::slots::Slot;

/// What all runs share.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) launcher: LauncherProcess,
    pub(super) groups: Groups,
    /// The first of the ids outside, one a slot; `None` where the service may only use its own.
    pub(super) first_id: Option<u32>,
}

impl Machine {
    /// The id outside of a slot's user; `None` where the service may only use its own.
    pub(super) fn outside_id(&self, slot: &Slot) -> Option<u32> {
        self.first_id
            .map(|first| first.saturating_add(slot.number()))
    }
}
