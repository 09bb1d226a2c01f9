//! Who is served next: users take turns, and nobody has more than so many executions running.
//!
//! A user who waits has one turn and stands with it in the lane of every language that they wait for, unless they have
//! as many executions running as they may. The next one is the smallest turn in the lanes asked for, so neither many
//! executions of one user nor other languages are ever looked through.

use std::collections::{BTreeMap, HashMap};

use coderun_domain::{ExecutionId, Language, UserId};

/// The waiting executions of all users and the number of those that run.
#[derive(Debug)]
pub(crate) struct FairQueue {
    running_max: u32,
    users: HashMap<UserId, Customer>,
    lanes: BTreeMap<Language, BTreeMap<Turn, UserId>>,
    turns: Turns,
}

/// An execution's place: whose it is, what it is written in, and when it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) user: &'a UserId,
    pub(crate) language: &'a Language,
    /// The executions of one user are served in this order; unique.
    pub(crate) order: u64,
}

/// Smaller is sooner; no two users have the same.
type Turn = i64;

#[derive(Debug, Default)]
struct Turns {
    first: Turn,
    last: Turn,
}

impl Turns {
    fn behind_all(&mut self) -> Turn {
        self.last += 1;
        self.last
    }

    fn before_all(&mut self) -> Turn {
        self.first -= 1;
        self.first
    }
}

#[derive(Debug, Default)]
struct Customer {
    turn: Turn,
    running: u32,
    waiting: BTreeMap<Language, BTreeMap<u64, ExecutionId>>,
}

impl FairQueue {
    /// An empty queue that lets each user run so many at a time.
    pub(crate) fn new(running_max: u32) -> Self {
        Self {
            running_max,
            users: HashMap::new(),
            lanes: BTreeMap::new(),
            turns: Turns::default(),
        }
    }

    /// Lets an execution wait. Answers whether its user can be served now.
    pub(crate) fn push(&mut self, place: Place<'_>, id: ExecutionId) -> bool {
        self.change(place.user, |customer, turns| {
            if customer.waiting.is_empty() {
                customer.turn = turns.behind_all();
            }
            let language = place.language.clone();
            let lane = customer.waiting.entry(language).or_default();
            lane.insert(place.order, id);
        })
    }

    /// Takes an execution out, if it waits.
    pub(crate) fn remove(&mut self, place: Place<'_>) {
        self.change(place.user, |customer, _| {
            if let Some(lane) = customer.waiting.get_mut(place.language) {
                lane.remove(&place.order);
                if lane.is_empty() {
                    customer.waiting.remove(place.language);
                }
            }
        });
    }

    /// One more execution of this user runs: it is the turn of the others.
    pub(crate) fn started(&mut self, user: &UserId) {
        self.change(user, |customer, turns| {
            customer.running += 1;
            customer.turn = turns.behind_all();
        });
    }

    /// One execution less of this user runs. Answers whether they have another one that can be served now.
    pub(crate) fn ended(&mut self, user: &UserId) -> bool {
        self.change(user, |customer, _| {
            customer.running = customer.running.saturating_sub(1);
        })
    }

    /// Makes it this user's turn, before all others.
    pub(crate) fn bring_forward(&mut self, user: &UserId) {
        self.change(user, |customer, turns| customer.turn = turns.before_all());
    }

    /// The execution to be served next in one of these languages.
    pub(crate) fn next(&self, languages: &[Language]) -> Option<ExecutionId> {
        let (_, user) = languages
            .iter()
            .filter_map(|language| self.lanes.get(language)?.first_key_value())
            .min_by_key(|(turn, _)| **turn)?;
        let waiting = &self.users.get(user)?.waiting;
        let (_, id) = languages
            .iter()
            .filter_map(|language| waiting.get(language)?.first_key_value())
            .min_by_key(|(order, _)| **order)?;
        Some(*id)
    }

    /// How many users have something waiting or running.
    pub(crate) fn users(&self) -> usize {
        self.users.len()
    }

    /// How many executions run.
    pub(crate) fn running(&self) -> u32 {
        self.users.values().map(|customer| customer.running).sum()
    }

    /// Changes one user and puts them into the right lanes again. Answers whether they stand in any.
    fn change(&mut self, user: &UserId, change: impl FnOnce(&mut Customer, &mut Turns)) -> bool {
        let customer = self.users.entry(user.clone()).or_default();
        for language in customer.waiting.keys() {
            leave_lane(&mut self.lanes, language, customer.turn);
        }
        change(customer, &mut self.turns);
        if customer.waiting.is_empty() && customer.running == 0 {
            self.users.remove(user);
            return false;
        }
        if customer.running >= self.running_max {
            return false;
        }
        for language in customer.waiting.keys() {
            let lane = self.lanes.entry(language.clone()).or_default();
            lane.insert(customer.turn, user.clone());
        }
        !customer.waiting.is_empty()
    }
}

fn leave_lane(
    lanes: &mut BTreeMap<Language, BTreeMap<Turn, UserId>>,
    language: &Language,
    turn: Turn,
) {
    if let Some(lane) = lanes.get_mut(language) {
        lane.remove(&turn);
        if lane.is_empty() {
            lanes.remove(language);
        }
    }
}

#[cfg(test)]
mod tests;
