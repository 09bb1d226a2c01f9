//! Puts the two scripts together: a group of steps goes by the hash of its script, or in full if the server lacks it.

use deadpool_redis::redis;

use crate::step::Script;

/// Files of a script that define these steps, to be run when a group has one of them.
macro_rules! part {
    ($($step:ident)*: $($file:literal)*) => {
        concat!(
            "local function part()\n",
            $(include_str!(concat!("scripts/", $file)),)*
            "end\n",
            $("parts.", stringify!($step), " = part\n",)*
        )
    };
}

/// A script: what steps share, these parts, and `run`, which runs a group.
///
/// All but the first two files are the body of a function: at each call a script pays for every variable that a function
/// captures, the more the more of them were captured before, but hardly for those that the function around it has captured.
macro_rules! script {
    ($($part:expr)*) => {
        concat!(
            include_str!("scripts/group.lua"),
            include_str!("scripts/state.lua"),
            "return (function()\n",
            include_str!("scripts/records.lua"),
            include_str!("scripts/users.lua"),
            include_str!("scripts/states.lua"),
            $($part,)*
            include_str!("scripts/run.lua"),
            "end)()\n",
        )
    };
}

const HOT: &str = script! {
    part!(submit take: "waiting.lua" "submit.lua" "take.lua")
    part!(renew append finish: "lease.lua")
    part!(watch: "watch.lua")
};
const RARE: &str = script! {
    include_str!("scripts/rare/common.lua")
    include_str!("scripts/rare/ending.lua")
    include_str!("scripts/rare/queries.lua")
    include_str!("scripts/rare/audit.lua")
    include_str!("scripts/rare/sweep.lua")
    include_str!("scripts/rare/inputs.lua")
    include_str!("scripts/rare/tickets.lua")
};

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
