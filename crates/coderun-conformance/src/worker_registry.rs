//! The contract of [`WorkerRegistry`](coderun_domain::WorkerRegistry).

pub mod lifetimes;
pub mod offers;

/// Makes one test of each clause for the registry that this constructor makes: a function or closure from a manual clock
/// and a policy to a future of [`Backend`](crate::Backend).
#[macro_export]
macro_rules! worker_registry_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            offers {
                there_are_no_workers_at_first,
                an_offer_is_listed_with_everything_in_it,
                announcing_again_replaces_the_offer,
                a_withdrawn_worker_is_not_listed,
                withdrawing_what_is_not_there_changes_nothing,
                a_withdrawal_leaves_other_workers,
                a_withdrawn_worker_may_come_back,
                many_workers_are_listed_in_the_order_of_their_ids,
                workers_that_announce_at_the_same_time_are_all_listed,
            }
            lifetimes {
                an_offer_ends_with_its_lifetime,
                announcing_again_begins_a_new_lifetime,
                each_offer_has_a_lifetime_of_its_own,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::worker_registry_tests!(@list clause_tests (worker_registry $crate::Setup::new($backend)));
    };
}
