//! Who is served next: users take turns, and nobody has more than so many executions running.
//!
//! A user who waits has one turn and stands with it in the lane of every language that they wait for, unless they have
//! as many executions running as they may. The next one is the smallest turn in the lanes asked for, so neither many
//! executions of one user nor other languages are ever looked through.

use std::collections::{BTreeMap, HashMap};

use coderun_domain::{ExecutionId, Language, UserId};

/// So many users are looked at to say where an execution stands; of more of them these are a sample.
const USERS_LOOKED_AT: usize = 128;

/// The waiting executions of all users and the number of those that run.
#[derive(Debug)]
pub(crate) struct FairQueue {
    running_max: u32,
    running: u32,
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

impl Customer {
    /// How many wait that came before this one.
    fn waiting_before(&self, order: u64) -> u64 {
        let lanes = self.waiting.values();
        lanes.map(|lane| count(lane.range(..order).count())).sum()
    }

    /// How many wait, up to this number.
    fn waiting_at_most(&self, most: u64) -> u64 {
        let lanes = self.waiting.values();
        lanes.map(|lane| count(lane.len())).sum::<u64>().min(most)
    }
}

impl FairQueue {
    /// An empty queue that lets each user run so many at a time.
    pub(crate) fn new(running_max: u32) -> Self {
        Self {
            running_max,
            running: 0,
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
        self.running += 1;
        self.change(user, |customer, turns| {
            customer.running += 1;
            customer.turn = turns.behind_all();
        });
    }

    /// One execution less of this user runs. Answers whether they have another one that can be served now.
    pub(crate) fn ended(&mut self, user: &UserId) -> bool {
        self.running = self.running.saturating_sub(1);
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

    /// Where an execution stands, from 1: behind those of its user that came before it, and behind as many of each other
    /// user as have their turns before it. Languages and users who run as many as they may are not considered.
    pub(crate) fn position(&self, place: Place<'_>) -> u64 {
        let own = self.users.get(place.user);
        let before = own.map_or(0, |customer| customer.waiting_before(place.order));
        let turn = own.map_or(Turn::MAX, |customer| customer.turn);
        let others = self.users.iter().filter(|(user, _)| *user != place.user);
        let ahead = others.take(USERS_LOOKED_AT).map(|(_, other)| {
            let turns = before + u64::from(other.turn < turn);
            other.waiting_at_most(turns)
        });
        let ahead: u64 = ahead.sum();
        let in_all = count(self.users.len()) - u64::from(own.is_some());
        let looked_at = in_all.min(count(USERS_LOOKED_AT)).max(1);
        let ahead = ahead.saturating_mul(in_all) / looked_at;
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

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
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
