//! Lists the attacks.

use futures_util::future::BoxFuture;

use crate::arena::Arena;
use crate::{neighbours, places, process_one, processors};

/// What a hostile user or client does, beside victims who run greetings.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// What it does and what is promised, in a sentence.
    pub(crate) promise: &'static str,
    /// The control, as `enforcement` names it, without which that is not promised: one that `poll` or nothing stands for.
    pub(crate) needs: Option<&'static str>,
    /// Whether the tests of the workspace run it, with less weight.
    pub(crate) is_light: bool,
    /// Settings of the service other than the defaults.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// How many victims greet at a time.
    pub(crate) victims: usize,
    pub(crate) run: for<'a> fn(&'a Arena) -> BoxFuture<'a, ()>,
}

pub(crate) const ATTACKS: [Attack; 7] = [
    processors::BUSY_PROCESSES,
    processors::BURNERS,
    processors::SLOW_DEATH,
    processors::ORPHANED_CPU_TIME,
    places::IDLE_PROMPTS,
    process_one::PROCESS_ONE,
    neighbours::OTHER_NAMESPACE,
];
