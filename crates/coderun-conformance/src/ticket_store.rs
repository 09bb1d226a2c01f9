//! States the contract of [`TicketStore`](coderun_domain::TicketStore).

pub mod bounds;
pub mod redeeming;

/// Makes one test of each clause for the ticket store that this constructor makes: a function or closure from a manual
/// clock and a policy to a future of [`Backend`](crate::Backend).
#[macro_export]
macro_rules! ticket_store_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            redeeming {
                an_unknown_ticket_is_refused,
                a_ticket_returns_its_admission_unchanged,
                odd_user_ids_are_stored_unchanged,
                a_ticket_is_valid_once,
                of_many_redemptions_at_once_one_succeeds,
                a_ticket_is_bound_to_its_execution,
                tickets_that_differ_in_one_bit_are_distinct,
                a_ticket_is_valid_in_every_state,
                a_ticket_changes_neither_record_nor_events,
            }
            bounds {
                a_ticket_expires_after_its_lifetime,
                each_ticket_has_its_own_lifetime,
                an_unknown_execution_gets_no_ticket,
                deletion_removes_the_tickets,
                expiry_removes_the_tickets,
                tickets_of_an_execution_are_bounded,
                a_redeemed_ticket_does_not_count,
                expired_tickets_do_not_count,
                each_execution_has_its_own_ticket_bound,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::ticket_store_tests!(@list clause_tests (ticket_store $crate::Setup::new($backend)));
    };
}
