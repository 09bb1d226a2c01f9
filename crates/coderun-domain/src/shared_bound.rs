//! Bounds what all users hold together, so that few of them cannot use it up for the others.

/// A bound on what all users hold together, of which a quarter is reserved for users who hold little.
///
/// - One user holds at most a third of what the others leave of the other three quarters, so a quarter of the bound while the
///   others hold nothing. A user who is alone, and holds nothing, may take more at once: up to these three quarters.
/// - The reserve is for everybody in equal parts: each user may hold a 1024th of it, or the part that
///   [`Self::with_reserve_parts`] says, but at least 1, whatever the others hold. So after any number of users below 1024
///   has taken all that it can, the next one still gets such a part.
///
/// While the users fill the bound, those who hold most are refused first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedBound {
    total: u64,
    /// The users among whom the reserve is divided.
    reserve_parts: u64,
}

impl SharedBound {
    /// A bound of this total.
    #[must_use]
    pub const fn new(total: u64) -> Self {
        Self {
            total,
            reserve_parts: 1024,
        }
    }

    /// The same bound with a reserve of at least 1 part: with fewer parts, fewer users find larger ones.
    #[must_use]
    pub const fn with_reserve_parts(self, reserve_parts: u64) -> Self {
        Self {
            reserve_parts,
            ..self
        }
    }

    /// Checks that a user who holds `held` may hold `amount` more while all other users hold `others` together.
    ///
    /// # Errors
    /// [`SharedBoundReached`], by what would help.
    pub fn check(self, held: u64, others: u64, amount: u64) -> Result<(), SharedBoundReached> {
        if self.admits(held, others, amount) {
            Ok(())
        } else if self.admits(0, others, amount) {
            Err(SharedBoundReached::Share)
        } else {
            Err(SharedBoundReached::Total)
        }
    }

    /// How much more a user who holds `held` may hold now while all other users hold `others` together.
    #[must_use]
    pub fn room(self, held: u64, others: u64) -> u64 {
        self.most(held, others).saturating_sub(held)
    }

    fn admits(self, held: u64, others: u64, amount: u64) -> bool {
        held.saturating_add(amount) <= self.most(held, others)
    }

    /// The most that a user who holds `held` may hold.
    fn most(self, held: u64, others: u64) -> u64 {
        let free = (self.total - self.reserve()).saturating_sub(others);
        let is_alone = held == 0 && others == 0;
        let share = if is_alone { free } else { free / 3 };
        let most = share.max(self.reserved_for_each());
        most.min(self.total.saturating_sub(others))
    }

    const fn reserve(self) -> u64 {
        self.total / 4
    }

    /// What each user may hold of the reserve.
    const fn reserved_for_each(self) -> u64 {
        match self.reserve().checked_div(self.reserve_parts) {
            None | Some(0) => 1,
            Some(part) => part,
        }
    }
}

/// Says why a [`SharedBound`] refuses a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedBoundReached {
    /// The user holds their share: there would be room if the user held nothing.
    Share,
    /// There would be no room either if the user held nothing.
    Total,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What users hold who each take all that they can: `orders` says who takes, and in pieces of which size.
    fn greedy(bound: SharedBound, users: usize, orders: &[(usize, u64)]) -> Vec<u64> {
        let mut held = vec![0; users];
        let mut all = 0;
        let mut take = |user: usize, amount: u64| {
            let mine: &mut u64 = &mut held[user];
            while bound.admits(*mine, all - *mine, amount) {
                *mine += amount;
                all += amount;
            }
        };
        for (user, amount) in orders {
            take(user % users, *amount);
        }
        // Whatever is left, in pieces that get smaller.
        let largest = (0..40).rev().map(|power| 1 << power);
        for amount in largest.filter(|amount| *amount >= bound.reserved_for_each() / 16) {
            (0..users).for_each(|user| take(user, amount));
        }
        held
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn after_a_thousand_greedy_users_the_next_gets_a_part_of_the_reserve(
            total in prop_oneof![Just(10_000), Just(20_000), Just(256 << 20), 4096_u64..1 << 32],
            users in prop_oneof![Just(1), Just(4), Just(1000), 1_usize..1000],
            orders in prop::collection::vec((0_usize..1000, 1_u64..1 << 24), 0..50),
        ) {
            let bound = SharedBound::new(total);
            let all: u64 = greedy(bound, users, &orders).iter().sum();
            prop_assert!(all < total);
            prop_assert!(bound.admits(0, all, bound.reserved_for_each()));
        }

        #[test]
        fn users_who_hold_more_are_refused_first(
            total in 0_u64..100_000, held in 0_u64..50_000, less in 0_u64..50_000, others in 0_u64..100_000, amount in 1_u64..50_000,
        ) {
            let bound = SharedBound::new(total);
            let less = less.min(held);
            let room = bound.room(held, others);
            prop_assert!(room == 0 || bound.admits(held, others, room));
            prop_assert!(!bound.admits(held, others, room + 1));
            if bound.admits(held, others, amount) {
                prop_assert!(bound.admits(less, others, amount));
                prop_assert!(bound.admits(held, others - others.min(1), amount));
                prop_assert!(held + others + amount <= total);
            }
        }
    }

    #[test]
    fn four_users_leave_a_share_for_the_fifth() {
        let bound = SharedBound::new(256 << 20);
        let pieces: Vec<_> = (0..4).map(|user| (user, 1 << 20)).collect();
        let all: u64 = greedy(bound, 4, &pieces).iter().sum();
        assert!(bound.admits(0, all, 8 << 20), "{all}");
    }

    #[test]
    fn a_user_beside_others_takes_at_most_a_third_of_what_they_leave() {
        let bound = SharedBound::new(1000);
        assert!(bound.admits(249, 0, 1));
        assert!(!bound.admits(250, 0, 1));
        assert!(bound.admits(0, 150, 200));
        assert!(!bound.admits(0, 150, 201));
    }

    #[test]
    fn a_refusal_says_whether_the_user_would_find_room_without_what_they_hold() {
        let bound = SharedBound::new(1000);
        assert_eq!(bound.check(249, 0, 1), Ok(()));
        assert_eq!(bound.check(250, 0, 1), Err(SharedBoundReached::Share));
        assert_eq!(bound.check(250, 740, 9), Err(SharedBoundReached::Total));
        assert_eq!(bound.check(250, 740, 1), Err(SharedBoundReached::Share));
        assert_eq!(bound.check(0, 1000, 1), Err(SharedBoundReached::Total));
    }

    #[test]
    fn a_user_alone_takes_one_thing_as_large_as_all_but_the_reserve() {
        let bound = SharedBound::new(1000);
        assert!(bound.admits(0, 0, 750));
        assert!(!bound.admits(0, 0, 751));
        assert!(!bound.admits(1, 0, 749));
    }

    #[test]
    fn a_reserve_of_fewer_parts_has_larger_ones() {
        let bound = SharedBound::new(1024).with_reserve_parts(8);
        assert!(bound.admits(0, 1024 - 32, 32));
        assert!(!bound.admits(0, 700, 33));
        assert!(!bound.admits(0, 1024 - 31, 32));
    }

    #[test]
    fn the_smallest_bounds_admit_what_fits() {
        for total in 1..4 {
            let bound = SharedBound::new(total);
            assert!(bound.admits(0, total - 1, 1));
            assert!(!bound.admits(0, total, 1));
        }
        assert!(!SharedBound::new(0).admits(0, 0, 1));
    }
}
