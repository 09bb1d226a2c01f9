//! Lists the attacks.

use futures_util::future::BoxFuture;

use crate::arena::Arena;
use crate::{
    accounts, answers, bodies, channels, connections, floods, looks, memory, neighbours, places,
    process_one, processors,
};

/// On which services an attack has to fail.
pub(crate) enum Promised {
    Always,
    /// Where control groups enforce this control, as `enforcement` of records names it.
    By(&'static str),
    /// Where programs have equal shares of the processors.
    ByShares,
    /// Nowhere: SECURITY.md says what programs can do.
    Never,
}

/// What a hostile user or client does, beside victims who run greetings.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// What it does and what is promised, in a sentence.
    pub(crate) promise: &'static str,
    pub(crate) promised: Promised,
    /// Whether the tests of the workspace run it, with less weight.
    pub(crate) is_light: bool,
    /// Settings of the service other than the defaults.
    pub(crate) settings: &'static [(&'static str, &'static str)],
    /// How many victims greet at a time.
    pub(crate) victims: usize,
    pub(crate) run: Run,
}

pub(crate) type Run = for<'a> fn(&'a Arena) -> BoxFuture<'a, ()>;

pub(crate) const ATTACKS: [Attack; 34] = [
    processors::BUSY_PROCESSES,
    processors::BURNERS,
    processors::SLOW_DEATH,
    processors::ORPHANED_CPU_TIME,
    processors::TINY_WRITES,
    processors::COMPILER_BOMBS,
    places::IDLE_PROMPTS,
    places::PARKED_BURNERS,
    looks::PROMPT_LOOKS,
    process_one::PROCESS_ONE,
    neighbours::OTHER_NAMESPACE,
    accounts::GREEDY_ACCOUNTS,
    accounts::THOUSAND_ACCOUNTS,
    memory::MEMORY_BUDGET,
    memory::FORK_BOMB,
    memory::SHARED_MEMORY,
    memory::MEMORY_FILES,
    answers::UNREAD_STATUS,
    answers::UNREAD_EVENTS,
    answers::UNREAD_SOCKETS,
    answers::UNREAD_LISTS,
    answers::UNREAD_PIPELINES,
    answers::UNREAD_LIVE_OUTPUT,
    answers::SLOW_READERS,
    connections::HALF_HEADS,
    connections::SECOND_HALF_HEADS,
    connections::SLOW_BODIES,
    floods::ENDLESS_CHUNKS,
    floods::ENDLESS_MESSAGES,
    floods::PING_FLOOD,
    floods::STDIN_FLOOD,
    bodies::HOSTILE_BODIES,
    channels::CHANNELS,
    channels::OPEN_CHANNELS,
];
