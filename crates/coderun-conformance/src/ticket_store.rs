//! The contract of [`TicketStore`](coderun_domain::TicketStore).

pub mod bounds;
pub mod redeeming;

/// Makes one test of each clause for the ticket store that this constructor makes: a function or closure from a manual
/// clock and a policy to a future of [`Backend`](crate::Backend).
#[macro_export]
macro_rules! ticket_store_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            redeeming {
                an_unknown_ticket_admits_nobody,
                a_ticket_admits_whom_it_was_issued_to,
                odd_users_are_admitted_as_they_are,
                a_ticket_is_good_once,
                of_many_at_a_time_one_is_admitted,
                a_ticket_is_bound_to_its_execution,
                each_ticket_is_good_for_itself,
                a_ticket_is_good_in_every_state,
                a_ticket_changes_neither_record_nor_events,
            }
            bounds {
                a_ticket_ends_with_its_lifetime,
                each_ticket_has_a_lifetime_of_its_own,
                an_unknown_execution_gets_no_ticket,
                a_deleted_execution_takes_its_tickets_along,
                an_expired_execution_takes_its_tickets_along,
                tickets_of_an_execution_are_bounded,
                a_ticket_that_was_redeemed_makes_room,
                tickets_that_have_ended_make_room,
                other_executions_have_bounds_of_their_own,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::ticket_store_tests!(@list clause_tests (ticket_store $crate::Setup::new($backend)));
    };
}
