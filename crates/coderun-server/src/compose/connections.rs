//! Divides the open files of the process between connections and everything else.

use std::time::Duration;

use coderun_app::{Check, CheckStatus};

use crate::settings::Settings;

/// As many connections beside the sockets are of use.
const REQUESTS_MAX: usize = 8_192;

/// The open files of a process without connections and programs: twice what one on two cores has.
const FILES_OF_PROCESS: usize = 128;
/// The most open files for one program that runs: pipes, sockets and control files. It was 6 where this was measured.
const FILES_OF_PROGRAM: usize = 10;

/// How many connections the limit of open files allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionLimits {
    /// The limit of open files, if there is one.
    files: Option<usize>,
    reserve: usize,
    /// The least that programs and all else may need.
    needed: usize,
    sockets_wanted: usize,
    /// The most connections.
    pub(super) total: usize,
    /// The most sockets. A quarter of the connections stays free of them, for those who submit and ask.
    pub(super) sockets: usize,
}

impl ConnectionLimits {
    /// The connections of a process that may open this many files.
    pub(crate) fn new(settings: &Settings, files: Option<usize>) -> Self {
        let limits = &settings.limits;
        let needed = FILES_OF_PROCESS + FILES_OF_PROGRAM * settings.programs_max();
        let reserve = limits.open_files_reserve.max(needed);
        let sockets_wanted = limits.sockets_max;
        // So many, and no more, can be of use.
        let useful = sockets_wanted.saturating_add(REQUESTS_MAX);
        let allowed = files.map_or(useful, |files| files.saturating_sub(reserve).max(files / 2));
        let total = allowed.min(useful).max(1);
        Self {
            files,
            reserve,
            needed,
            sockets_wanted,
            total,
            sockets: sockets_wanted.min(total - total / 4),
        }
    }

    /// What `coderun doctor` says of them.
    pub(crate) fn check(&self) -> Check {
        let Self { total, sockets, .. } = self;
        let files = self.files.map_or_else(
            || "no limit of open files".to_owned(),
            |files| format!("{files} open files, of which {} are kept", self.reserve),
        );
        let mut status = CheckStatus::Ok;
        let mut reason = format!("{files}: {total} connections, {sockets} sockets");
        let mut degrade = |text: String| {
            status = CheckStatus::Degraded;
            reason.push_str(&text);
        };
        if *sockets < self.sockets_wanted {
            degrade(format!(", less than SOCKETS_MAX ({})", self.sockets_wanted));
        }
        let left = self.files.map(|files| files.saturating_sub(*total));
        if let Some(left) = left.filter(|left| *left < self.needed) {
            degrade(format!(
                "; programs and all else have {left}, and may need {}: raise the limit, or lower WORKER_CONCURRENCY and \
                 INTERACTIVE_MAX",
                self.needed
            ));
        }
        Check {
            name: "files",
            status,
            latency: Duration::ZERO,
            reason: Some(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::testing::settings_with;

    /// Settings that leave so few programs that their files do not matter.
    const FEW: [(&str, &str); 2] = [("WORKER_CONCURRENCY", "1"), ("INTERACTIVE_MAX", "0")];

    fn settings(more: &[(&'static str, &'static str)]) -> Settings {
        settings_with(&[&FEW, more].concat())
    }

    #[test]
    fn connections_leave_the_reserve_and_sockets_leave_connections() {
        let settings = settings(&[("OPEN_FILES_RESERVE", "4000")]);
        let limits = ConnectionLimits::new(&settings, Some(12_000));
        assert_eq!(limits.total, 8_000);
        assert_eq!(limits.sockets, 6_000);
        let check = limits.check();
        assert_eq!(check.status, CheckStatus::Degraded);
        let expected = "12000 open files, of which 4000 are kept: 8000 connections, 6000 sockets, less than SOCKETS_MAX (20000)";
        assert_eq!(check.reason.as_deref(), Some(expected));
    }

    #[test]
    fn a_low_limit_is_halved_and_a_high_one_is_not_used_up() {
        let settings = settings(&[("OPEN_FILES_RESERVE", "1000"), ("SOCKETS_MAX", "100")]);
        assert_eq!(ConnectionLimits::new(&settings, Some(256)).total, 128);
        for files in [Some(1_000_000), None] {
            let limits = ConnectionLimits::new(&settings, files);
            assert_eq!((limits.total, limits.sockets), (100 + REQUESTS_MAX, 100));
            assert_eq!(limits.check().status, CheckStatus::Ok);
        }
    }

    #[test]
    fn the_reserve_grows_with_the_programs() {
        let more = [
            ("WORKER_CONCURRENCY", "1000"),
            ("INTERACTIVE_MAX", "1000"),
            ("SOCKETS_MAX", "1000"),
        ];
        let settings = settings_with(&more);
        let limits = ConnectionLimits::new(&settings, Some(1_000_000));
        assert!(limits.reserve >= 20_128, "{limits:?}");
        assert_eq!(limits.check().status, CheckStatus::Ok);
        let check = ConnectionLimits::new(&settings, Some(20_000)).check();
        assert_eq!(check.status, CheckStatus::Degraded);
        let reason = check.reason.unwrap();
        assert!(
            reason.contains("programs and all else have 10808, and may need 2"),
            "{reason}"
        );
    }
}
