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
mod processor_share;
mod version1;
mod version2;

use std::io;

use coderun_domain::StageLimits;

use crate::config::ControlGroups;
pub(crate) use files::machine_memory_kills;
use group::GroupLimits;
pub(crate) use group::{CgroupVersion, Frozen, Group, GroupUsage, JoinDescriptors, OutsideLimit};
use hierarchy::Hierarchies;
use names::Owner;
pub(crate) use processor_share::ProcessorShare;
use version1::Version1;
use version2::Version2;

/// The limits of memory of this process's own control groups and of all above them that it can see.
pub(crate) fn memory_limits_above() -> Vec<u64> {
    let Ok(hierarchies) = Hierarchies::of_this_process() else {
        return Vec::new();
    };
    let version1 = hierarchies.version1("memory");
    let version1 = version1.map(|folder| (folder, "memory.limit_in_bytes"));
    let version2 = hierarchies.version2().map(|folder| (folder, "memory.max"));
    let files = version1.into_iter().chain(version2);
    let folders =
        files.flat_map(|(folder, file)| folder.ancestors().map(move |folder| folder.join(file)));
    // A group without a limit has a word or a huge number there.
    folders
        .filter_map(|file| files::read_number(&file))
        .collect()
}

/// The control groups of this machine, as far as the service may use them.
#[derive(Debug)]
pub(crate) struct Groups {
    /// The groups in which those of stages are created; else the reason why there are none.
    parent: Result<ServiceGroups, String>,
    /// The share of the processors that each stage has, where groups give it one.
    share: ProcessorShare,
    owner: Owner,
}

/// The groups of the service.
#[derive(Debug)]
struct ServiceGroups {
    group: Box<dyn Group>,
    /// The reason why they give stages no share of the processors, and what to do.
    no_shares_because: Option<String>,
}

impl Groups {
    /// Finds by probing what can be used, and removes the groups of dead services.
    pub(crate) fn probe(wanted: ControlGroups, share: ProcessorShare) -> io::Result<Self> {
        let owner = Owner::this_process()?;
        let parent = match wanted {
            ControlGroups::WhereUsable => {
                let hierarchies = Hierarchies::of_this_process()?;
                names::sweep(hierarchies.folders());
                find_parent(&hierarchies, &owner, share)
            }
            ControlGroups::Never => Err("control groups are turned off".to_owned()),
        };
        let found = Self {
            parent,
            share,
            owner,
        };
        if let Some((what_is_weak, reason)) = found.weakness() {
            tracing::warn!(%reason, "{what_is_weak}");
        }
        Ok(found)
    }

    /// What does not hold as firmly as it could, for the log, and why.
    fn weakness(&self) -> Option<(&'static str, &str)> {
        let polling = "no control groups: limits hold by polling alone, which is weaker";
        let no_groups = self.missing_because().map(|reason| (polling, reason));
        let no_shares = "programs have no promised share of the processors";
        no_groups.or_else(|| Some((no_shares, self.no_shares_because()?)))
    }

    /// The version in use; `None` where no groups can be used.
    pub(crate) fn version(&self) -> Option<CgroupVersion> {
        let parent = self.parent.as_ref().ok();
        parent.map(|parent| parent.group.version())
    }

    /// The reason why no groups can be used, and what to do; `None` where they are.
    pub(crate) fn missing_because(&self) -> Option<&str> {
        self.parent.as_ref().err().map(String::as_str)
    }

    /// The reason why groups are used that share no processors, and what to do.
    pub(crate) fn no_shares_because(&self) -> Option<&str> {
        self.parent.as_ref().ok()?.no_shares_because.as_deref()
    }

    /// Creates the groups of a stage; `None` where no groups can be used.
    pub(crate) fn create(&self, limits: &StageLimits) -> io::Result<Option<Box<dyn Group>>> {
        let limits = GroupLimits::new(limits, self.share);
        let parent = self.parent.as_ref().ok();
        let created =
            parent.map(|parent| create(parent.group.as_ref(), &self.owner.next_name(), &limits));
        created.transpose()
    }
}

/// Version 2 if it can be used, else version 1, else the reason of the one that this machine has.
fn find_parent(
    hierarchies: &Hierarchies,
    owner: &Owner,
    share: ProcessorShare,
) -> Result<ServiceGroups, String> {
    let usable = |group| with_shares_if_possible(group, owner, share);
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

/// Probes groups, with shares of the processors if those work.
fn with_shares_if_possible(
    mut group: Box<dyn Group>,
    owner: &Owner,
    share: ProcessorShare,
) -> io::Result<ServiceGroups> {
    let probe = |group: &dyn Group| probe_parent(group, &owner.next_name(), share);
    let mut no_shares_because = None;
    if !group.shares_processors() {
        no_shares_because = Some(NO_CPU_CONTROLLER.to_owned());
    } else if let Err(error) = probe(group.as_ref()) {
        let reason = format!("the controller `cpu` refuses a group for a program ({error})");
        no_shares_because = Some(reason);
    }
    if no_shares_because.is_some() {
        group.give_up_shares();
        probe(group.as_ref())?;
    }
    Ok(ServiceGroups {
        group,
        no_shares_because,
    })
}

const NO_CPU_CONTROLLER: &str = "the service's control group does not have the controller `cpu`: delegate it, under systemd \
    by `Delegate=yes`";

/// Creates the groups of a stage, all or none.
fn create(parent: &dyn Group, name: &str, limits: &GroupLimits) -> io::Result<Box<dyn Group>> {
    let group = parent.child(name);
    group.create(limits).inspect_err(|_| {
        // The error that is passed on says more than one of cleaning up after it.
        let _ = group.remove();
    })?;
    Ok(group)
}

fn probe_parent(parent: &dyn Group, name: &str, share: ProcessorShare) -> io::Result<()> {
    let limits = GroupLimits {
        memory_bytes: 64 << 20,
        processes: 8,
        share,
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
