//! States the contract of [`WorkerRegistry`](coderun_domain::WorkerRegistry).

pub mod lifetimes;
pub mod offers;

/// Makes one test of each clause for the registry that this constructor makes: a function or closure from a manual clock
/// and a policy to a future of [`Backend`](crate::Backend).
#[macro_export]
macro_rules! worker_registry_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            offers {
                an_empty_registry_lists_no_workers,
                an_offer_is_listed_unchanged,
                announcing_again_replaces_the_offer,
                withdrawing_an_unknown_worker_changes_nothing,
                a_withdrawal_leaves_other_workers,
                a_withdrawn_worker_may_announce_again,
                workers_are_listed_in_order_of_their_ids,
                concurrent_announcements_are_all_listed,
            }
            lifetimes {
                an_offer_expires_after_its_lifetime,
                announcing_again_restarts_the_lifetime,
                each_offer_has_its_own_lifetime,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::worker_registry_tests!(@list clause_tests (worker_registry $crate::Setup::new($backend)));
    };
}
