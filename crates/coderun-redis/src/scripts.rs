//! Puts the two scripts together: a group of steps goes by the hash of its script, or in full if the server lacks it.

use deadpool_redis::redis;

use crate::step::Script;

/// The text of a file of a script.
macro_rules! file {
    ($file:literal) => {
        include_str!(concat!("scripts/", $file))
    };
}

/// Texts of a script that define these steps, or parts that do, to be run when a group has one of them.
macro_rules! part {
    ($($step:ident)*: $($text:expr)*) => {
        concat!(
            "local function part()\n",
            $($text,)*
            "end\n",
            $("parts.", stringify!($step), " = part\n",)*
        )
    };
}

/// A script: what steps share, these texts, and `run`, which runs a group.
///
/// All but the first two files are the body of a function: at each call a script pays for every variable that a function
/// captures, the more the more of them were captured before, but hardly for those that the function around it has captured.
macro_rules! script {
    ($($text:expr)*) => {
        concat!(
            file!("group.lua"),
            file!("state.lua"),
            "return (function()\n",
            file!("records.lua"),
            file!("users.lua"),
            file!("stream.lua"),
            file!("states.lua"),
            file!("finals.lua"),
            $($text,)*
            file!("run.lua"),
            "end)()\n",
        )
    };
}

const HOT: &str = script! {
    part!(submit take: file!("waiting.lua")
        part!(submit: file!("rate.lua") file!("submit.lua"))
        part!(take: file!("queues.lua") file!("take.lua")))
    part!(renew append finish: file!("lease.lua"))
    part!(watch: file!("watch.lua"))
};
const RARE: &str = script! {
    file!("rare/common.lua")
    file!("rate.lua")
    file!("rare/ending.lua")
    file!("rare/queries.lua")
    file!("rare/audit.lua")
    file!("rare/sweep.lua")
    file!("rare/inputs.lua")
    file!("rare/tickets.lua")
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
