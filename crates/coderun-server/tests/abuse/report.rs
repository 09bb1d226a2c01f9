//! Prints what attacks did, as rows of a table.

use std::time::Duration;

use crate::attack::Attack;

/// How many faults of one attack are printed.
const SHOWN: usize = 3;
const LONGEST: usize = 500;

/// What one attack did.
pub(crate) struct Report {
    /// Whether this service promises to withstand it.
    pub(crate) is_promised: bool,
    /// The victims' 95th percentile without the attack.
    pub(crate) alone: Duration,
    /// The same beside the attack.
    pub(crate) beside: Duration,
    /// The service's own memory, at its peak.
    pub(crate) peak_mib: Option<u64>,
    pub(crate) faults: Vec<String>,
}

pub(crate) fn print_head() {
    println!(
        "{:<24}{:<14}{:>12}{:>12}{:>12}",
        "attack", "outcome", "p95 alone", "p95 beside", "peak MiB"
    );
}

impl Report {
    pub(crate) fn print(&self, attack: &Attack) {
        let outcome = match (self.faults.is_empty(), self.is_promised) {
            (true, _) => "holds",
            (false, true) => "FAULT",
            (false, false) => "not promised",
        };
        println!(
            "{:<24}{outcome:<14}{:>9} ms{:>9} ms{:>12}",
            attack.name,
            self.alone.as_millis(),
            self.beside.as_millis(),
            self.peak_mib.unwrap_or_default()
        );
        if !self.faults.is_empty() {
            println!("    {}", attack.promise);
        }
        for fault in self.faults.iter().take(SHOWN) {
            println!("    - {}", fault.chars().take(LONGEST).collect::<String>());
        }
        if self.faults.len() > SHOWN {
            println!("    and {} more", self.faults.len() - SHOWN);
        }
    }

    /// Whether everything that is promised held.
    pub(crate) const fn is_acceptable(&self) -> bool {
        self.faults.is_empty() || !self.is_promised
    }
}

/// The 95th percentile; zero of nothing.
pub(crate) fn p95(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get(last * 95 / 100).copied().unwrap_or_default()
}
