//! Chooses which final record makes room for others.
//!
//! It is always a record of the user who occupies the most: much output of one user never costs another user a result.

use std::collections::{BTreeSet, HashMap};

use coderun_domain::{ExecutionId, UserId};
use time::OffsetDateTime;

use super::time_index::TimeIndex;

/// The final records of all users by size and age.
#[derive(Debug, Default)]
pub(crate) struct FinalRecords {
    shares: HashMap<UserId, UserShare>,
    /// Every user with a share, in the order of its size.
    by_bytes: BTreeSet<(u64, UserId)>,
    bytes: u64,
}

/// What one user has.
#[derive(Debug, Default)]
struct UserShare {
    bytes: u64,
    by_age: TimeIndex,
}

impl FinalRecords {
    /// Enters a record of this size that ended at this time.
    pub(crate) fn insert(
        &mut self,
        user: &UserId,
        id: ExecutionId,
        ended_at: OffsetDateTime,
        bytes: u64,
    ) {
        self.bytes += bytes;
        self.change(user, |share| {
            share.bytes += bytes;
            share.by_age.set(id, ended_at);
        });
    }

    /// Takes out a record that was entered with this size.
    pub(crate) fn remove(&mut self, user: &UserId, id: ExecutionId, bytes: u64) {
        self.bytes -= bytes;
        self.change(user, |share| {
            share.bytes -= bytes;
            share.by_age.remove(id);
        });
    }

    /// The oldest record of the user who occupies the most. The spared one is passed over, and with it a user who has
    /// no other: that is one user at most, so nothing is looked through.
    pub(crate) fn next_to_evict_except(&self, spared: ExecutionId) -> Option<ExecutionId> {
        let mut shares = self
            .by_bytes
            .iter()
            .rev()
            .filter_map(|(_, user)| self.shares.get(user));
        shares.find_map(|share| share.by_age.earliest_except(spared))
    }

    /// What all of them occupy.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many users it keeps, in both of its indexes together.
    pub(crate) fn users(&self) -> usize {
        self.shares.len() + self.by_bytes.len()
    }

    /// Changes the share of one user and moves them to their place in the order, unless they have nothing left.
    fn change(&mut self, user: &UserId, change: impl FnOnce(&mut UserShare)) {
        let share = self.shares.entry(user.clone()).or_default();
        let mut key = (share.bytes, user.clone());
        self.by_bytes.remove(&key);
        change(share);
        if share.by_age.len() == 0 {
            self.shares.remove(user);
        } else {
            key.0 = share.bytes;
            self.by_bytes.insert(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::{at, execution_id, user};

    use super::*;

    /// Records as (owner, number, second of the end, bytes).
    fn records<const N: usize>(entries: [(&str, u32, u32, u64); N]) -> FinalRecords {
        let mut records = FinalRecords::default();
        for (name, number, second, bytes) in entries {
            records.insert(&user(name), execution_id(number.into()), at(second), bytes);
        }
        records
    }

    #[test]
    fn the_oldest_of_the_user_who_occupies_the_most_goes_first() {
        let mut records = records([
            ("bob", 1, 0, 50),
            ("alice", 2, 9, 20),
            ("alice", 3, 5, 40),
            ("carol", 4, 1, 10),
        ]);
        let spared = execution_id(4);
        assert_eq!(records.next_to_evict_except(spared), Some(execution_id(3)));
        records.remove(&user("alice"), execution_id(3), 40);
        assert_eq!(records.next_to_evict_except(spared), Some(execution_id(1)));
        records.remove(&user("bob"), execution_id(1), 50);
        assert_eq!(records.next_to_evict_except(spared), Some(execution_id(2)));
        assert_eq!(records.bytes(), 30);
    }

    #[test]
    fn the_spared_one_stays_and_the_next_user_makes_room() {
        let records = records([("alice", 1, 0, 90), ("bob", 2, 1, 10)]);
        let next = records.next_to_evict_except(execution_id(1));
        assert_eq!(next, Some(execution_id(2)));
    }

    #[test]
    fn alone_the_spared_one_stays() {
        let records = records([("alice", 1, 0, 90)]);
        assert_eq!(records.next_to_evict_except(execution_id(1)), None);
    }

    #[test]
    fn nothing_is_left_of_a_user_without_records() {
        let mut records = records([("alice", 1, 0, 90), ("alice", 2, 1, 10)]);
        assert_eq!(records.users(), 2, "one user in two indexes");
        records.remove(&user("alice"), execution_id(1), 90);
        records.remove(&user("alice"), execution_id(2), 10);
        assert_eq!((records.users(), records.bytes()), (0, 0));
    }
}
