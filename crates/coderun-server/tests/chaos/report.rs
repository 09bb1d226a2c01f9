//! Prints the counts of a test and checks them.

use crate::audit::Audit;
use crate::load::LoadResult;
use crate::replicas::DisturbanceCounts;

/// Three hits in a row are rare: there are at least this many takeovers for each execution that was given up.
const TAKEOVERS_PER_LOSS: u64 = 5;

/// All counts of a test.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
    pub(crate) disturbance_counts: DisturbanceCounts,
    pub(crate) load_result: LoadResult,
    pub(crate) audit: Audit,
}

impl Report {
    #[expect(clippy::print_stderr, reason = "prints the result of the test")]
    pub(crate) fn print(&self) {
        for (what, count) in self.rows() {
            eprintln!("{count:>6}  {what}");
        }
        for reason in &self.audit.given_up {
            eprintln!("given up: {reason}");
        }
        for wrong in &self.audit.wrong {
            eprintln!("wrong: {wrong}");
        }
    }

    fn rows(&self) -> [(&'static str, usize); 17] {
        let Self {
            disturbance_counts,
            load_result,
            audit,
            ..
        } = self;
        let count = |number: u64| usize::try_from(number).expect("a small number");
        [
            ("seconds of disturbances", count(self.seconds)),
            ("seed", count(self.seed)),
            ("kills of replicas", disturbance_counts.kills),
            ("starts that failed", disturbance_counts.failed_starts),
            ("accepted", load_result.accepted.len()),
            ("final", audit.ended),
            ("completed", audit.completed),
            ("given up after the last attempt", audit.given_up.len()),
            ("takeovers", count(audit.takeovers)),
            ("events", audit.events),
            ("watched live", load_result.watched.len()),
            ("reconnects of watchers", load_result.reconnects),
            ("refused with 503", load_result.refused),
            ("connections refused", load_result.unreachable),
            ("left without an answer", load_result.unanswered),
            ("records in all", audit.listed),
            ("wrong", audit.wrong.len()),
        ]
    }

    pub(crate) fn assert_nothing_is_wrong(&self) {
        let (load_result, audit) = (&self.load_result, &self.audit);
        assert_eq!(load_result.unexpected, Vec::<String>::new());
        assert_eq!(audit.wrong, Vec::<String>::new());
        assert_eq!(audit.ended, load_result.accepted.len());
        assert_eq!(audit.completed + audit.given_up.len(), audit.ended);
        assert_eq!(audit.listed_ended, audit.listed, "all has ended");
        let unknown = load_result.refused + load_result.unanswered;
        let possible = load_result.accepted.len()..=load_result.accepted.len() + unknown;
        assert!(possible.contains(&audit.listed), "{}", audit.listed);
        assert!(audit.takeovers > 0, "no kill hit a running program");
        let is_rare = audit.given_up.len() as u64 * TAKEOVERS_PER_LOSS <= audit.takeovers;
        assert!(is_rare, "{} were given up", audit.given_up.len());
    }
}
