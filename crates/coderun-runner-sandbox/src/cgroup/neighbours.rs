//! Names the processes in a control group.

use std::fs;
use std::path::Path;

/// The processes in a group.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Processes {
    /// There is none, or they cannot be read.
    None,
    /// There is this process alone.
    OnlyThis,
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
        (count, _) => {
            let mut names: Vec<_> = others.into_iter().take(NAMED_MAX).map(name).collect();
            if let Some(more) = count.checked_sub(NAMED_MAX).filter(|more| *more > 0) {
                names.push(format!("{more} more"));
            }
            Processes::Others(names.join(", "))
        }
    }
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
