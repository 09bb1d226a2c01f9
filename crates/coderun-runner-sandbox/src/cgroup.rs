//! Limits and counts what all processes of a stage use together, by control groups.
//!
//! Each stage of a run has groups of its own, which are removed when it has ended. Their names identify the service that
//! created them, so that the next start of a service removes the groups of a service that was killed.

mod files;
mod group;
mod hierarchy;
mod names;
mod version1;
mod version2;

use std::io;

use crate::config::ControlGroups;
pub(crate) use group::{CgroupVersion, Group, GroupLimits, GroupUsage, JoinDescriptors};
use hierarchy::Hierarchies;
use names::Owner;
use version1::Version1;
use version2::Version2;

/// The control groups of this machine, as far as the service may use them.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The groups of the service, in which those of stages are created.
    parent: Option<Box<dyn Group>>,
    owner: Owner,
}

impl Groups {
    /// Finds by probing what can be used, and removes the groups of dead services.
    pub(crate) fn probe(wanted: ControlGroups) -> io::Result<Self> {
        let owner = Owner::this_process()?;
        let hierarchies = match wanted {
            ControlGroups::WhereUsable => Hierarchies::of_this_process()?,
            ControlGroups::Never => Hierarchies::default(),
        };
        names::sweep(hierarchies.folders());
        let candidates = [
            Version2::find(&hierarchies).map(|it| Box::new(it) as Box<dyn Group>),
            Version1::find(&hierarchies).map(|it| Box::new(it) as Box<dyn Group>),
        ];
        let parent = candidates.into_iter().flatten().find(|parent| {
            let probed = probe_parent(parent.as_ref(), &owner.next_name());
            if let Err(error) = &probed {
                tracing::warn!(%error, version = ?parent.version(), "control groups cannot be used");
            }
            probed.is_ok()
        });
        Ok(Self { parent, owner })
    }

    /// The version in use; `None` where no groups can be used.
    pub(crate) fn version(&self) -> Option<CgroupVersion> {
        self.parent.as_ref().map(|parent| parent.version())
    }

    /// Creates the groups of a stage; `None` where no groups can be used.
    pub(crate) fn create(&self, limits: &GroupLimits) -> io::Result<Option<Box<dyn Group>>> {
        let Some(parent) = self.parent.as_deref() else {
            return Ok(None);
        };
        create(parent, &self.owner.next_name(), limits).map(Some)
    }
}

/// Creates the groups of a stage, all or none.
fn create(parent: &dyn Group, name: &str, limits: &GroupLimits) -> io::Result<Box<dyn Group>> {
    let group = parent.child(name);
    group.create(limits).inspect_err(|_| {
        // The error that is passed on says more than one of cleaning up after it.
        let _ = group.remove();
    })?;
    Ok(group)
}

fn probe_parent(parent: &dyn Group, name: &str) -> io::Result<()> {
    let limits = GroupLimits {
        memory_bytes: 64 << 20,
        processes: 8,
    };
    let group = create(parent, name, &limits)?;
    let usage = group.usage();
    group.remove()?;
    match (usage.cpu, usage.peak_bytes) {
        (Some(_), Some(_)) => Ok(()),
        _ => Err(io::Error::other(
            "the group counts neither CPU time nor memory",
        )),
    }
}
