//! Limits and counts what all processes of a stage use together, by control groups.
//!
//! Each stage of a run has groups of its own, which are removed when it has ended. Their names identify the service that
//! created them, so that the next start of a service removes the groups of a service that was killed.

mod delegation;
mod files;
mod group;
mod hierarchy;
mod names;
mod neighbours;
mod version1;
mod version2;

use std::io;

use crate::config::ControlGroups;
pub(crate) use group::{
    CgroupVersion, Group, GroupLimits, GroupUsage, JoinDescriptors, OutsideLimit,
};
use hierarchy::Hierarchies;
use names::Owner;
use version1::Version1;
use version2::Version2;

/// The control groups of this machine, as far as the service may use them.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The groups of the service, in which those of stages are created; else the reason why there are none.
    parent: Result<Box<dyn Group>, String>,
    owner: Owner,
}

impl Groups {
    /// Finds by probing what can be used, and removes the groups of dead services.
    pub(crate) fn probe(wanted: ControlGroups) -> io::Result<Self> {
        let owner = Owner::this_process()?;
        let parent = match wanted {
            ControlGroups::WhereUsable => {
                let hierarchies = Hierarchies::of_this_process()?;
                names::sweep(hierarchies.folders());
                find_parent(&hierarchies, &owner)
            }
            ControlGroups::Never => Err("control groups are turned off".to_owned()),
        };
        if let Err(reason) = &parent {
            tracing::warn!(%reason, "no control groups: limits hold by polling alone, which is weaker");
        }
        Ok(Self { parent, owner })
    }

    /// The version in use; `None` where no groups can be used.
    pub(crate) fn version(&self) -> Option<CgroupVersion> {
        self.parent.as_ref().ok().map(|parent| parent.version())
    }

    /// The reason why no groups can be used, and what to do; `None` where they are.
    pub(crate) fn missing_because(&self) -> Option<&str> {
        self.parent.as_ref().err().map(String::as_str)
    }

    /// Creates the groups of a stage; `None` where no groups can be used.
    pub(crate) fn create(&self, limits: &GroupLimits) -> io::Result<Option<Box<dyn Group>>> {
        let parent = self.parent.as_deref().ok();
        let created = parent.map(|parent| create(parent, &self.owner.next_name(), limits));
        created.transpose()
    }
}

/// Version 2 if it can be used, else version 1, else the reason of the one that this machine has.
fn find_parent(hierarchies: &Hierarchies, owner: &Owner) -> Result<Box<dyn Group>, String> {
    let usable =
        |parent: Box<dyn Group>| probe_parent(parent.as_ref(), &owner.next_name()).map(|()| parent);
    let version2 = Version2::find(hierarchies).and_then(|found| usable(Box::new(found)));
    version2.or_else(|version2| {
        let version1 = Version1::find(hierarchies).and_then(|found| usable(Box::new(found)));
        version1.map_err(|version1| {
            if hierarchies.has_version1() {
                format!("control groups of version 1 cannot be used ({version1})")
            } else {
                version2.to_string()
            }
        })
    })
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
    match (usage.cpu, usage.memory_bytes) {
        (Some(_), Some(_)) => Ok(()),
        _ => Err(io::Error::other(
            "the group counts neither CPU time nor memory",
        )),
    }
}
