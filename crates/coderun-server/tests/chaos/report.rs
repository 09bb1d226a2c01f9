//! The table of counts, and what it must say.

use crate::audit::Found;
use crate::disturbance::Disturbed;
use crate::load::Loaded;

/// To be hit three times in a row takes bad luck: there are so many takeovers for each that is, or more.
const TAKEOVERS_PER_LOSS: u64 = 5;

/// All that was counted.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    pub(crate) disturbed: Disturbed,
    pub(crate) loaded: Loaded,
    pub(crate) found: Found,
}

impl Report {
    #[expect(clippy::print_stderr, reason = "the result of the test, for people")]
    pub(crate) fn print(&self) {
        for (what, count) in self.rows() {
            eprintln!("{count:>6}  {what}");
        }
        for reason in &self.found.given_up {
            eprintln!("given up: {reason}");
        }
        for wrong in &self.found.wrong {
            eprintln!("wrong: {wrong}");
        }
    }

    fn rows(&self) -> [(&'static str, usize); 17] {
        let Self {
            disturbed,
            loaded,
            found,
            ..
        } = self;
        let count = |number: u64| usize::try_from(number).expect("a small number");
        [
            ("seconds of disturbances", count(self.seconds)),
            ("seed", count(self.seed)),
            ("kills of replicas", disturbed.kills),
            ("starts that failed", disturbed.failed_starts),
            ("accepted", loaded.accepted.len()),
            ("final", found.ended),
            ("completed", found.completed),
            ("given up after the last attempt", found.given_up.len()),
            ("takeovers", count(found.takeovers)),
            ("events", found.events),
            ("watched live", loaded.watched.len()),
            ("reconnects of watchers", loaded.reconnects),
            ("refused with 503", loaded.refused),
            ("connections refused", loaded.unreachable),
            ("left without an answer", loaded.unanswered),
            ("records in all", found.listed),
            ("wrong", found.wrong.len()),
        ]
    }

    pub(crate) fn assert_nothing_is_wrong(&self) {
        let (loaded, found) = (&self.loaded, &self.found);
        assert_eq!(loaded.unexpected, Vec::<String>::new());
        assert_eq!(found.wrong, Vec::<String>::new());
        assert_eq!(found.ended, loaded.accepted.len());
        assert_eq!(found.completed + found.given_up.len(), found.ended);
        assert_eq!(found.listed_ended, found.listed, "all has ended");
        let unknown = loaded.refused + loaded.unanswered;
        let possible = loaded.accepted.len()..=loaded.accepted.len() + unknown;
        assert!(possible.contains(&found.listed), "{}", found.listed);
        assert!(found.takeovers > 0, "no kill hit a running program");
        let is_rare = found.given_up.len() as u64 * TAKEOVERS_PER_LOSS <= found.takeovers;
        assert!(is_rare, "{} were given up", found.given_up.len());
    }
}
