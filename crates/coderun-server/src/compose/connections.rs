//! Divides the open files of the process between connections and everything else.

use std::time::Duration;

use coderun_app::{Check, CheckStatus};

use crate::settings::Settings;

/// As many connections beside the sockets are of use.
const REQUESTS_MAX: usize = 8_192;

/// How many connections the limit of open files allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionLimits {
    /// The limit of open files, if there is one.
    files: Option<usize>,
    reserve: usize,
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
        let (reserve, sockets_wanted) = (limits.open_files_reserve, limits.sockets_max);
        // So many, and no more, can be of use.
        let useful = sockets_wanted.saturating_add(REQUESTS_MAX);
        let allowed = files.map_or(useful, |files| files.saturating_sub(reserve).max(files / 2));
        let total = allowed.min(useful).max(1);
        Self {
            files,
            reserve,
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
        let (status, wanted) = if *sockets < self.sockets_wanted {
            let wanted = format!(", less than SOCKETS_MAX ({})", self.sockets_wanted);
            (CheckStatus::Degraded, wanted)
        } else {
            (CheckStatus::Ok, String::new())
        };
        Check {
            name: "files",
            status,
            latency: Duration::ZERO,
            reason: Some(format!(
                "{files}: {total} connections, {sockets} sockets{wanted}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::testing::settings_with;

    #[test]
    fn connections_leave_the_reserve_and_sockets_leave_connections() {
        let settings = settings_with(&[("OPEN_FILES_RESERVE", "1000")]);
        let limits = ConnectionLimits::new(&settings, Some(9_000));
        assert_eq!(limits.total, 8_000);
        assert_eq!(limits.sockets, 6_000);
        let check = limits.check();
        assert_eq!(check.status, CheckStatus::Degraded);
        let expected = "9000 open files, of which 1000 are kept: 8000 connections, 6000 sockets, less than SOCKETS_MAX (20000)";
        assert_eq!(check.reason.as_deref(), Some(expected));
    }

    #[test]
    fn a_low_limit_is_halved_and_a_high_one_is_not_used_up() {
        let settings = settings_with(&[("OPEN_FILES_RESERVE", "1000"), ("SOCKETS_MAX", "100")]);
        assert_eq!(ConnectionLimits::new(&settings, Some(256)).total, 128);
        for files in [Some(1_000_000), None] {
            let limits = ConnectionLimits::new(&settings, files);
            assert_eq!((limits.total, limits.sockets), (100 + REQUESTS_MAX, 100));
            assert_eq!(limits.check().status, CheckStatus::Ok);
        }
    }
}
