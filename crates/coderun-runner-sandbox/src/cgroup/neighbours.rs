//! Names the processes in a control group.

use std::fs;
use std::path::Path;

use crate::process_stat::stat_fields;

/// The processes in a group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Processes {
    /// There is none, or they cannot be read.
    None,
    /// There is this process alone.
    OnlyThis,
    /// There are this process and children of it, which end with it.
    OnlyThisAndChildren,
    /// There are others, with these names and ids, as a text.
    Others(String),
}

/// The processes in a group of version 2.
pub(super) fn processes_in(group: &Path) -> Processes {
    let text = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
    of_list(&text, std::process::id())
}

fn of_list(text: &str, own: u32) -> Processes {
    let ids = || text.lines().filter_map(|line| line.parse::<u32>().ok());
    let others: Vec<u32> = ids().filter(|id| *id != own).collect();
    match (others.len(), ids().next()) {
        (0, None) => Processes::None,
        (0, Some(_)) => Processes::OnlyThis,
        (count, _) if count < ids().count() && others.iter().all(|id| is_child(*id, own)) => {
            Processes::OnlyThisAndChildren
        }
        (count, _) => {
            let mut names: Vec<_> = others.into_iter().take(NAMED_MAX).map(name).collect();
            if let Some(more) = count.checked_sub(NAMED_MAX).filter(|more| *more > 0) {
                names.push(format!("{more} more"));
            }
            Processes::Others(names.join(", "))
        }
    }
}

fn is_child(id: u32, parent: u32) -> bool {
    let fields = stat_fields(id);
    let found = fields.as_ref().and_then(|fields| fields.get(1));
    found.is_some_and(|found| *found == parent.to_string())
}

/// The most processes that are named.
const NAMED_MAX: usize = 5;

fn name(id: u32) -> String {
    // The kernel writes 0 for processes that this process namespace does not see.
    if id == 0 {
        return "one outside of this container".to_owned();
    }
    let name = fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
    format!("{} {id}", name.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_told_from_this_process() {
        let own = std::process::id();
        assert_eq!(of_list("", own), Processes::None);
        assert_eq!(of_list(&format!("{own}\n"), own), Processes::OnlyThis);
        let outside = "one outside of this container".to_owned();
        assert_eq!(
            of_list(&format!("0\n{own}\n"), own),
            Processes::Others(outside)
        );
    }

    #[test]
    fn children_are_told_from_others() {
        let own = std::process::id();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let with_child = format!("{own}\n{}\n", child.id());
        assert_eq!(of_list(&with_child, own), Processes::OnlyThisAndChildren);
        let others = of_list(&format!("{with_child}1\n"), own);
        assert!(matches!(others, Processes::Others(_)), "{others:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn others_are_named_up_to_a_number() {
        let own = std::process::id();
        let name = fs::read_to_string("/proc/self/comm").unwrap();
        let named = format!("{} {own}", name.trim_end());
        assert_eq!(of_list(&format!("{own}\n"), 0), Processes::Others(named));
        let Processes::Others(text) = of_list(&"0\n".repeat(8), own) else {
            panic!("there are others");
        };
        assert!(text.ends_with(", 3 more"), "{text}");
    }
}
