//! Chooses the next execution: users who run fewer go first, equal ones take turns, and each may run only so many.
//!
//! A user who waits has one turn. It is listed under every language that the user waits for, unless the user has as many
//! executions running as allowed. The next execution belongs to the smallest turn under the languages asked for, so that
//! neither many executions of one user nor other languages are ever scanned.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

use coderun_domain::{ExecutionId, Language, TakeFor, UserId};

use super::usage::to_u64;

/// How many users are looked at to estimate a position. Of more users these are a sample.
const USERS_SAMPLED: usize = 128;

/// The waiting executions of all users, and how many run.
#[derive(Debug)]
pub(crate) struct FairQueue {
    running_max: u32,
    running: u32,
    users: HashMap<UserId, UserQueue>,
    /// The users that can be served now.
    turns_by_language: BTreeMap<Language, BTreeMap<Turn, UserId>>,
    first_turn: i64,
    last_turn: i64,
}

/// The key of a waiting execution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct QueueEntry<'a> {
    pub(crate) user: &'a UserId,
    pub(crate) language: &'a Language,
    /// The executions of one user are served in this order; unique.
    pub(crate) order: u64,
}

/// The place of a user in the order of service. Smaller is sooner, and no two users have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// How many executions the user runs; 0 for one who was brought forward.
    running: u32,
    /// Negative for a user who was brought forward.
    number: i64,
}

impl Turn {
    /// A turn behind all others.
    const LAST: Self = Self {
        running: 0,
        number: i64::MAX,
    };

    /// How many turns this user has before the other one has so many and one more, if all that run go on.
    fn turns_before(self, other: Self, others_turns: u64) -> u64 {
        let runs_then = others_turns + u64::from(other.running);
        let Some(turns) = runs_then.checked_sub(self.running.into()) else {
            return 0;
        };
        // Who comes to run as many as the other is behind the other.
        let is_first = match self.running.cmp(&other.running) {
            Ordering::Less => false,
            Ordering::Equal => self.number < other.number,
            Ordering::Greater => true,
        };
        turns + u64::from(is_first)
    }
}

/// The turn of one user, and what the user has.
#[derive(Debug, Default)]
struct UserQueue {
    turn_number: i64,
    running: u32,
    waiting: BTreeMap<Language, BTreeMap<u64, ExecutionId>>,
}

impl UserQueue {
    const fn turn(&self) -> Turn {
        let number = self.turn_number;
        let running = if number < 0 { 0 } else { self.running };
        Turn { running, number }
    }

    /// How many wait that came before this one.
    fn waiting_before(&self, order: u64) -> u64 {
        let waiting = self.waiting.values();
        waiting.map(|ids| to_u64(ids.range(..order).count())).sum()
    }

    /// How many wait, up to this number.
    fn waiting_at_most(&self, most: u64) -> u64 {
        let waiting = self.waiting.values();
        let total: u64 = waiting.map(|ids| to_u64(ids.len())).sum();
        total.min(most)
    }
}

impl FairQueue {
    /// An empty queue that lets each user run so many at a time.
    pub(crate) fn new(running_max: u32) -> Self {
        Self {
            running_max,
            running: 0,
            users: HashMap::new(),
            turns_by_language: BTreeMap::new(),
            first_turn: 0,
            last_turn: 0,
        }
    }

    /// Adds an execution. Answers whether its user can be served now.
    pub(crate) fn push(&mut self, entry: QueueEntry<'_>, id: ExecutionId) -> bool {
        let turn_number = self.turn_behind_all();
        self.change(entry.user, |queue| {
            if queue.waiting.is_empty() {
                queue.turn_number = turn_number;
            }
            let language = entry.language.clone();
            let waiting = queue.waiting.entry(language).or_default();
            waiting.insert(entry.order, id);
        })
    }

    /// Removes an execution, if it waits.
    pub(crate) fn remove(&mut self, entry: QueueEntry<'_>) {
        self.change(entry.user, |queue| {
            if let Some(waiting) = queue.waiting.get_mut(entry.language) {
                waiting.remove(&entry.order);
                if waiting.is_empty() {
                    queue.waiting.remove(entry.language);
                }
            }
        });
    }

    /// Counts an execution of this user that runs. Other users come first now.
    pub(crate) fn started(&mut self, user: &UserId) {
        self.running += 1;
        let turn_number = self.turn_behind_all();
        self.change(user, |queue| {
            queue.running += 1;
            queue.turn_number = turn_number;
        });
    }

    /// Counts an execution of this user that no longer runs. Answers whether the user has another that can be served now.
    pub(crate) fn ended(&mut self, user: &UserId) -> bool {
        self.running = self.running.saturating_sub(1);
        self.change(user, |queue| {
            queue.running = queue.running.saturating_sub(1);
        })
    }

    /// Puts this user before all others.
    pub(crate) fn bring_forward(&mut self, user: &UserId) {
        self.first_turn -= 1;
        let turn_number = self.first_turn;
        self.change(user, |queue| queue.turn_number = turn_number);
    }

    /// The next execution in one of these languages for these users.
    pub(crate) fn next(&self, languages: &[Language], users: TakeFor) -> Option<ExecutionId> {
        let (turn, user) = languages
            .iter()
            .filter_map(|language| self.turns_by_language.get(language)?.first_key_value())
            .min_by_key(|(turn, _)| **turn)?;
        if users == TakeFor::IdleUsers && turn.running > 0 {
            return None;
        }
        let waiting = &self.users.get(user)?.waiting;
        let (_, id) = languages
            .iter()
            .filter_map(|language| waiting.get(language)?.first_key_value())
            .min_by_key(|(order, _)| **order)?;
        Some(*id)
    }

    /// How many executions of this user run.
    pub(crate) fn running_of(&self, user: &UserId) -> u32 {
        self.users.get(user).map_or(0, |queue| queue.running)
    }

    /// Whether this user runs nothing.
    pub(crate) fn is_idle(&self, user: &UserId) -> bool {
        self.running_of(user) == 0
    }

    /// Whether nothing can be served now, in any language, and this user may run one more.
    pub(crate) fn may_run_at_once(&self, user: &UserId) -> bool {
        self.turns_by_language.is_empty() && self.running_of(user) < self.running_max
    }

    /// The position of an execution, from 1: behind those of its user that came before it, and behind as many of each other
    /// user as come before it if all that run go on. Languages and users who run as many as they may are not considered.
    pub(crate) fn position(&self, entry: QueueEntry<'_>) -> u64 {
        let own = self.users.get(entry.user);
        let before = own.map_or(0, |queue| queue.waiting_before(entry.order));
        let turn = own.map_or(Turn::LAST, UserQueue::turn);
        let others = self.users.iter().filter(|(user, _)| *user != entry.user);
        let ahead = others
            .take(USERS_SAMPLED)
            .map(|(_, other)| other.waiting_at_most(other.turn().turns_before(turn, before)));
        let ahead: u64 = ahead.sum();
        let in_all = to_u64(self.users.len()) - u64::from(own.is_some());
        let sampled = in_all.min(to_u64(USERS_SAMPLED)).max(1);
        let ahead = ahead.saturating_mul(in_all) / sampled;
        before + ahead + 1
    }

    /// How many users have something waiting or running.
    pub(crate) fn users(&self) -> usize {
        self.users.len()
    }

    /// How many executions run.
    pub(crate) const fn running(&self) -> u32 {
        self.running
    }

    const fn turn_behind_all(&mut self) -> i64 {
        self.last_turn += 1;
        self.last_turn
    }

    /// Changes one user, and lists its turn anew. Answers whether the user can be served now.
    fn change(&mut self, user: &UserId, change: impl FnOnce(&mut UserQueue)) -> bool {
        let queue = self.users.entry(user.clone()).or_default();
        for language in queue.waiting.keys() {
            remove_turn(&mut self.turns_by_language, language, queue.turn());
        }
        change(queue);
        if queue.waiting.is_empty() && queue.running == 0 {
            self.users.remove(user);
            return false;
        }
        if queue.running >= self.running_max {
            return false;
        }
        for language in queue.waiting.keys() {
            let turns = self.turns_by_language.entry(language.clone());
            turns.or_default().insert(queue.turn(), user.clone());
        }
        !queue.waiting.is_empty()
    }
}

fn remove_turn(
    turns: &mut BTreeMap<Language, BTreeMap<Turn, UserId>>,
    language: &Language,
    turn: Turn,
) {
    if let Some(users) = turns.get_mut(language) {
        users.remove(&turn);
        if users.is_empty() {
            turns.remove(language);
        }
    }
}

#[cfg(test)]
mod tests;
