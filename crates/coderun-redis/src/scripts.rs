//! Puts the two scripts together: a group of steps goes by the hash of its script, or in full if the server lacks it.

use deadpool_redis::redis;

use crate::step::Script;

/// The files of each script. The first four define what steps share, `run` runs a group; between them
/// each file defines steps.
const HOT: &str = concat!(
    include_str!("scripts/group.lua"),
    include_str!("scripts/records.lua"),
    include_str!("scripts/users.lua"),
    include_str!("scripts/states.lua"),
    include_str!("scripts/submit.lua"),
    include_str!("scripts/take.lua"),
    include_str!("scripts/lease.lua"),
    include_str!("scripts/watch.lua"),
    include_str!("scripts/run.lua"),
);
const RARE: &str = concat!(
    include_str!("scripts/group.lua"),
    include_str!("scripts/records.lua"),
    include_str!("scripts/users.lua"),
    include_str!("scripts/states.lua"),
    include_str!("scripts/rare/common.lua"),
    include_str!("scripts/rare/ending.lua"),
    include_str!("scripts/rare/queries.lua"),
    include_str!("scripts/rare/audit.lua"),
    include_str!("scripts/rare/sweep.lua"),
    include_str!("scripts/rare/inputs.lua"),
    include_str!("scripts/rare/tickets.lua"),
    include_str!("scripts/run.lua"),
);

/// Both scripts with their hashes.
#[derive(Debug)]
pub(crate) struct Scripts {
    hot: ScriptSource,
    rare: ScriptSource,
}

/// The text of a script and its hash.
#[derive(Debug)]
pub(crate) struct ScriptSource {
    pub(crate) text: &'static str,
    pub(crate) hash: String,
}

impl Scripts {
    pub(crate) fn new() -> Self {
        Self::of(HOT, RARE)
    }

    /// The scripts with these texts.
    pub(crate) fn of(hot: &'static str, rare: &'static str) -> Self {
        let source = |text| ScriptSource {
            text,
            hash: redis::Script::new(text).get_hash().to_owned(),
        };
        Self {
            hot: source(hot),
            rare: source(rare),
        }
    }

    pub(crate) const fn source(&self, script: Script) -> &ScriptSource {
        match script {
            Script::Hot => &self.hot,
            Script::Rare => &self.rare,
        }
    }
}
