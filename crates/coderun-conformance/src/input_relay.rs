//! The contract of [`InputRelay`](coderun_domain::InputRelay).

pub mod attempts;
pub mod carrying;
pub mod refusals;
pub mod room;
pub mod wakeups;

/// Makes one test of each clause for the input relay that this constructor makes: a function or closure from a manual
/// clock and a policy to a future of [`Backend`](crate::Backend).
#[macro_export]
macro_rules! input_relay_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            carrying {
                without_input_there_is_nothing_to_read,
                pieces_arrive_in_order_and_whole,
                bytes_of_every_kind_arrive,
                what_is_sent_before_any_worker_is_kept,
                reading_goes_on_where_it_stood,
                reading_again_reads_the_same,
                the_end_comes_last,
                a_piece_sent_twice_is_once,
                of_many_equal_pieces_at_a_time_one_is_kept,
                each_sender_counts_for_itself,
                as_many_senders_as_promised_are_known,
                many_senders_at_a_time_lose_nothing,
                executions_do_not_read_each_others_input,
                input_changes_neither_record_nor_events,
            }
            room {
                unread_input_is_bounded_exactly,
                small_pieces_are_bounded_too,
                what_is_read_makes_room,
                what_found_no_room_may_be_sent_again,
                a_repetition_needs_no_room,
                much_input_passes_bit_by_bit,
                a_full_execution_leaves_room_for_others,
            }
            attempts {
                a_takeover_reads_everything_from_the_beginning,
                what_was_given_back_reads_everything_from_the_beginning,
                a_takeover_reads_what_came_in_between,
                what_an_earlier_attempt_has_read_makes_no_room,
                what_had_to_make_room_is_forgotten,
                a_later_attempt_can_read_behind_what_was_forgotten,
                a_stale_worker_reads_nothing,
                a_deleted_execution_is_lost_to_its_worker,
            }
            refusals {
                nothing_comes_after_the_end,
                what_is_not_interactive_takes_no_input,
                what_is_final_takes_no_input,
                what_is_unknown_takes_no_input,
                what_has_expired_takes_no_input,
                deletion_takes_the_input_along,
            }
            wakeups {
                input_wakes_the_worker,
                input_that_is_there_already_does_not_let_wait,
                an_end_wakes_the_worker,
                giving_up_to_wait_for_input_harms_nobody,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::input_relay_tests!(@list clause_tests (input_relay $crate::Setup::new($backend)));
    };
}
