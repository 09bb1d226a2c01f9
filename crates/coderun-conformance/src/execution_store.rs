//! The contract of [`ExecutionStore`](coderun_domain::ExecutionStore).

pub mod cancel;
pub mod delete;
pub mod lists;
pub mod places;
pub mod quotas;
pub mod records;
pub mod retention;

/// Makes one test of each clause for the store that this constructor makes: a function or closure from a manual clock
/// and a policy to a future of [`Backend`](crate::Backend).
#[macro_export]
macro_rules! execution_store_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            records {
                unknown_id_is_absent,
                a_good_backend_says_so,
                a_submission_is_found_as_it_was_handed_in,
                every_state_comes_back_as_it_was,
                every_verdict_comes_back,
                every_part_of_a_report_comes_back,
                long_and_odd_texts_come_back_byte_for_byte,
                the_first_event_is_the_submission,
                submitting_twice_is_once,
                submitting_again_answers_what_has_become_of_it,
                of_many_equal_submissions_one_is_accepted,
            }
            quotas {
                submissions_of_a_user_are_bounded_in_any_minute,
                no_bound_on_submissions_is_no_bound,
                waiting_executions_of_a_user_are_bounded,
                waiting_executions_of_all_are_bounded,
                live_submissions_are_bounded_in_bytes,
                a_refused_submission_leaves_nothing,
                a_refused_submission_uses_no_quota,
                a_repetition_is_answered_before_any_quota,
                a_deleted_execution_gives_its_place_back,
            }
            lists {
                a_list_is_of_one_user_and_newest_first,
                pages_join_without_gap_or_double,
                a_later_page_is_not_moved_by_what_is_new,
                a_summary_says_what_the_execution_says,
                a_released_execution_is_listed_as_running,
            }
            cancel {
                cancelling_what_waits_ends_it,
                cancelling_what_runs_asks_its_worker,
                cancelling_what_is_final_changes_nothing,
                cancelling_twice_is_once,
                cancelling_wakes_the_worker,
                a_cancel_survives_a_takeover,
                a_cancelled_execution_that_is_released_ends,
            }
            delete {
                deleting_what_waits_leaves_nothing,
                deleting_what_runs_takes_it_from_its_worker,
                deleting_what_runs_wakes_its_worker,
                deleting_what_is_final_leaves_nothing,
                a_deleted_id_begins_anew,
                the_worker_of_a_deleted_execution_cannot_touch_its_successor,
            }
            places {
                the_only_one_is_the_first,
                the_executions_of_one_user_stand_in_their_order,
                those_behind_move_up,
                users_take_turns_in_places_too,
                what_does_not_wait_has_no_place,
                no_place_is_beyond_what_waits,
            }
            retention {
                a_final_record_lives_for_its_retention_and_no_longer,
                every_change_renews_the_retention,
                a_live_execution_outlives_the_retention,
                an_expired_id_begins_anew,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::execution_store_tests!(@list clause_tests (execution_store $crate::Setup::new($backend)));
    };
}
