//! Finds the control groups of this process.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The folders of this process's own groups, by controller.
#[derive(Debug, Default)]
pub(super) struct Hierarchies {
    version1: Vec<(String, PathBuf)>,
    version2: Option<PathBuf>,
}

impl Hierarchies {
    /// Reads the mounted hierarchies, and the groups of this process in them.
    pub(super) fn of_this_process() -> io::Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let own = fs::read_to_string("/proc/self/cgroup")?;
        Ok(Self::parse(&mounts, &own))
    }

    fn parse(mounts: &str, own: &str) -> Self {
        let mut found = Self::default();
        for line in mounts.lines() {
            let mut fields = line.split(' ').skip(1);
            let (Some(point), Some(kind), Some(options)) =
                (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            match kind {
                "cgroup2" => {
                    let own_path = own_path(own, "");
                    found
                        .version2
                        .get_or_insert_with(|| group_folder(point, own_path));
                }
                "cgroup" => {
                    for controller in options.split(',') {
                        if let Some(own_path) = own_path(own, controller) {
                            let folder = group_folder(point, Some(own_path));
                            found.version1.push((controller.to_owned(), folder));
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The folder of a version 1 controller.
    pub(super) fn version1(&self, controller: &str) -> Option<&Path> {
        let found = self.version1.iter().find(|(name, _)| name == controller);
        found.map(|(_, folder)| folder.as_path())
    }

    /// The folder of version 2.
    pub(super) fn version2(&self) -> Option<&Path> {
        self.version2.as_deref()
    }

    /// Whether memory is counted by version 1 on this machine.
    pub(super) fn has_version1(&self) -> bool {
        self.version1("memory").is_some()
    }

    /// All folders in which groups of stages may be: the own groups, and of version 2 the one above, where the own one is
    /// only the leaf of the service.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        let version1 = self.version1.iter().map(|(_, folder)| folder.as_path());
        let version2 = self.version2().into_iter();
        version1.chain(version2.flat_map(|folder| folder.ancestors().take(2)))
    }
}

/// The path of this process's group for a controller; the empty name means version 2.
fn own_path<'a>(own: &'a str, controller: &str) -> Option<&'a str> {
    own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (names, path) = (fields.next()?, fields.next()?);
        names
            .split(',')
            .any(|name| name == controller)
            .then_some(path)
    })
}

/// The group's folder; in a container the path may be that of the machine outside, and the mount point is the group.
fn group_folder(point: &str, path: Option<&str>) -> PathBuf {
    let point = PathBuf::from(point);
    let inner = path.map(|path| point.join(path.trim_start_matches('/')));
    match inner {
        Some(inner) if inner.is_dir() => inner,
        Some(_) | None => point,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "proc /proc proc rw 0 0\n\
        cgroup /nowhere/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n\
        cgroup /nowhere/systemd cgroup rw,name=systemd 0 0\n\
        cgroup2 /nowhere/unified cgroup2 rw 0 0\n";
    const OWN: &str = "3:name=systemd:/a\n2:cpu,cpuacct:/b\n0::/c\n";

    #[test]
    fn controllers_that_share_a_mount_are_found_one_by_one() {
        let found = Hierarchies::parse(MOUNTS, OWN);
        let point = Some(Path::new("/nowhere/cpu,cpuacct"));
        assert_eq!(found.version1("cpu"), point);
        assert_eq!(found.version1("cpuacct"), point);
        assert_eq!(found.version1("memory"), None);
    }

    #[test]
    fn version_2_is_found_beside_version_1() {
        let found = Hierarchies::parse(MOUNTS, OWN);
        assert_eq!(found.version2(), Some(Path::new("/nowhere/unified")));
    }

    #[test]
    fn the_own_group_is_used_where_its_folder_is_visible() {
        assert_eq!(group_folder("/", Some("/proc")), Path::new("/proc"));
        assert_eq!(
            group_folder("/proc", Some("/not-there")),
            Path::new("/proc")
        );
    }
}
