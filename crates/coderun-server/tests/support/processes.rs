//! Finds processes of this machine in `/proc`.

use std::io::Read as _;

use super::{Service, eventually};

/// Ids of living processes whose ancestor is this one.
pub(crate) fn descendants(ancestor: u32) -> Vec<u32> {
    let all: Vec<u32> = std::fs::read_dir("/proc")
        .expect("a list of processes")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    let is_below = |id: &u32| {
        let mut at = *id;
        while let Some(parent) = parent(at) {
            if parent == ancestor {
                return true;
            }
            at = parent;
        }
        false
    };
    all.into_iter().filter(is_below).collect()
}

/// Whether a process exists and has not ended.
fn is_alive(id: u32) -> bool {
    read_if_there(&format!("/proc/{id}/stat")).is_some_and(|stat| !stat.contains(") Z "))
}

/// Whether a program runs below this process that was given `marker` as an argument.
pub(crate) fn runs_marked(ancestor: u32, marker: &str) -> bool {
    descendants(ancestor).into_iter().any(|id| {
        let words = read_if_there(&format!("/proc/{id}/cmdline")).unwrap_or_default();
        words.split('\0').any(|word| word == marker)
    })
}

impl Service {
    /// Waits until a program with this marker runs below this process.
    pub(crate) async fn until_runs(&self, marker: &str) {
        let runs = || async { runs_marked(self.id(), marker).then_some(()) };
        eventually("the program runs", runs).await;
    }
}

/// Waits until all these processes have ended.
pub(crate) async fn until_ended(ids: &[u32]) {
    let have_ended = || async { (!ids.iter().any(|id| is_alive(*id))).then_some(()) };
    eventually("the processes have ended", have_ended).await;
}

fn parent(id: u32) -> Option<u32> {
    let stat = read_if_there(&format!("/proc/{id}/stat"))?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// The content of a file that may have been removed.
fn read_if_there(path: &str) -> Option<String> {
    let mut content = Vec::new();
    std::fs::File::open(path)
        .ok()?
        .read_to_end(&mut content)
        .ok()?;
    Some(String::from_utf8_lossy(&content).into_owned())
}

/// The service that runs the program with this marker, and the other one.
pub(crate) async fn find_runner(
    marker: &str,
    first: Service,
    second: Service,
) -> (Service, Service) {
    let runs = |service: &Service| runs_marked(service.id(), marker);
    let is_first = eventually("one of them runs it", || {
        let found = runs(&first).then_some(true);
        std::future::ready(found.or_else(|| runs(&second).then_some(false)))
    });
    if is_first.await {
        (first, second)
    } else {
        (second, first)
    }
}
