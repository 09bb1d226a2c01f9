//! States the contract of [`ExecutionStore`](coderun_domain::ExecutionStore).

pub mod cancel;
pub mod delete;
pub mod lists;
pub mod offers;
pub mod positions;
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
                an_unknown_id_is_absent,
                checks_pass_on_a_healthy_backend,
                a_submission_is_stored_unchanged,
                every_state_is_stored_unchanged,
                every_verdict_is_stored_unchanged,
                every_part_of_a_report_is_stored_unchanged,
                long_and_odd_texts_are_stored_byte_for_byte,
                the_first_event_is_the_submission,
                submitting_twice_stores_one_execution,
                submitting_again_returns_the_current_execution,
                of_many_equal_submissions_one_is_accepted,
                another_submission_under_an_id_finds_the_first,
                of_many_submissions_under_one_id_one_is_accepted,
            }
            quotas {
                submissions_of_a_user_are_bounded_in_any_minute,
                an_answer_tells_what_the_user_has_used,
                usage_is_what_a_user_and_the_others_hold,
                a_submission_bound_of_zero_is_unlimited,
                waiting_executions_of_a_user_are_bounded,
                waiting_executions_of_all_users_are_bounded,
                live_submissions_are_bounded_in_bytes,
                users_share_the_waiting_executions,
                a_users_live_submissions_are_bounded_in_bytes,
                greedy_users_leave_memory_for_small_submissions,
                a_refused_submission_leaves_no_trace,
                a_refused_submission_uses_no_quota,
                a_repeated_submission_is_answered_before_any_quota,
                a_deleted_execution_frees_its_quota,
            }
            offers {
                a_granted_offer_is_a_running_execution,
                a_granted_lease_is_as_good_as_a_taken_one,
                a_granted_offer_counts_as_running,
                no_offer_is_granted_past_a_waiting_execution,
                no_offer_is_granted_past_an_execution_without_a_worker,
                a_repeated_offer_changes_nothing,
                a_granted_lease_that_is_never_used_is_taken_over,
                of_many_equal_offers_one_is_granted,
                many_offers_do_not_exceed_the_running_bound,
            }
            lists {
                a_list_holds_one_users_executions_newest_first,
                pages_join_without_gap_or_duplicate,
                new_executions_do_not_shift_later_pages,
                a_summary_matches_its_execution,
                a_released_execution_is_listed_as_running,
                a_forced_end_is_listed_with_its_verdict,
            }
            cancel {
                cancelling_a_pending_execution_ends_it,
                cancelling_a_running_execution_asks_its_worker,
                cancelling_a_final_execution_changes_nothing,
                cancelling_twice_has_no_further_effect,
                cancelling_wakes_the_worker,
                a_cancellation_survives_a_takeover,
                a_cancelled_execution_that_is_released_ends,
            }
            delete {
                deleting_a_pending_execution_leaves_nothing,
                deleting_a_running_execution_revokes_its_lease,
                deleting_a_running_execution_wakes_its_worker,
                deleting_a_final_execution_leaves_nothing,
                a_deleted_id_may_be_submitted_again,
                the_worker_of_a_deleted_execution_cannot_touch_its_successor,
                a_worker_of_a_deleted_execution_cannot_confuse_it_with_its_successor,
            }
            positions {
                a_single_pending_execution_is_first,
                positions_of_one_user_follow_the_submissions,
                executions_behind_move_up,
                positions_follow_the_turns_of_users,
                only_pending_executions_have_a_position,
                no_position_exceeds_the_number_of_pending_executions,
            }
            retention {
                a_final_record_is_kept_for_its_retention_and_no_longer,
                every_change_restarts_the_retention,
                a_live_execution_outlives_the_retention,
                an_expired_id_may_be_submitted_again,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::execution_store_tests!(@list clause_tests (execution_store $crate::Setup::new($backend)));
    };
}
