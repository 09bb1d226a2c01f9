//! States the contract of [`InputRelay`](coderun_domain::InputRelay).

pub mod attempts;
pub mod capacity;
pub mod delivery;
pub mod refusals;
pub mod wakeups;
pub mod watchers;

/// Makes one test of each clause for the input relay that this constructor makes: a function or closure from a manual
/// clock and a policy to a future of [`Backend`](crate::Backend).
#[macro_export]
macro_rules! input_relay_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            delivery {
                an_execution_without_input_has_nothing_to_read,
                pieces_arrive_in_order_and_complete,
                every_byte_value_arrives,
                input_sent_before_the_run_is_kept,
                reading_continues_after_a_position,
                reading_again_returns_the_same,
                the_end_comes_last,
                a_piece_sent_twice_is_kept_once,
                of_many_equal_pieces_one_is_kept,
                each_sender_has_its_own_numbers,
                the_latest_senders_are_remembered,
                concurrent_senders_lose_nothing,
                executions_do_not_read_each_others_input,
                input_changes_neither_record_nor_events,
            }
            capacity {
                unread_input_is_bounded_exactly,
                small_pieces_are_bounded_too,
                read_input_frees_capacity,
                a_refused_piece_may_be_sent_again,
                a_repeated_piece_needs_no_capacity,
                any_amount_of_input_passes_piece_by_piece,
                a_full_execution_does_not_limit_others,
            }
            attempts {
                a_takeover_reads_everything_from_the_beginning,
                a_run_after_a_release_reads_everything_from_the_beginning,
                a_takeover_reads_input_that_came_before_it,
                input_read_by_an_earlier_attempt_frees_no_capacity,
                evicted_input_is_reported_as_forgotten,
                a_later_attempt_can_read_behind_evicted_input,
                a_stale_worker_reads_nothing,
                the_worker_of_a_deleted_execution_reads_nothing,
            }
            refusals {
                input_after_the_end_is_refused,
                an_execution_that_is_not_interactive_takes_no_input,
                a_final_execution_takes_no_input,
                an_unknown_execution_takes_no_input,
                an_expired_execution_takes_no_input,
                deletion_removes_the_input,
            }
            wakeups {
                input_wakes_the_worker,
                a_wait_for_unread_input_returns_at_once,
                the_end_of_input_wakes_the_worker,
                a_cancelled_wait_for_input_loses_no_wakeup,
            }
            watchers {
                the_time_since_the_last_watcher_is_known,
                a_watcher_is_noted_beside_input,
                no_watcher_is_noted_of_what_takes_no_input,
                deletion_removes_the_note_of_a_watcher,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::input_relay_tests!(@list clause_tests (input_relay $crate::Setup::new($backend)));
    };
}
