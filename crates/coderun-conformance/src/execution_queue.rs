//! States the contract of [`ExecutionQueue`](coderun_domain::ExecutionQueue).

pub mod depth;
pub mod finishing;
pub mod groups;
pub mod interleavings;
pub mod leases;
pub mod no_worker;
pub mod shares;
pub mod steps;
pub mod sweep;
pub mod take;
pub mod turns;
pub mod wakeups;

/// Makes one test of each clause for the queue that this constructor makes: a function or closure from a manual clock
/// and a policy to a future of [`Backend`](crate::Backend).
#[macro_export]
macro_rules! execution_queue_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            take {
                an_empty_queue_has_nothing_to_take,
                a_taken_execution_is_running,
                each_execution_is_taken_once_by_many_takers,
                only_requested_languages_are_taken,
                executions_of_one_user_are_taken_in_submission_order,
                an_execution_past_its_queue_deadline_is_not_taken,
            }
            turns {
                users_take_turns,
                a_newcomer_waits_for_one_turn_of_each,
                a_user_runs_no_more_than_allowed,
                a_user_at_the_limit_does_not_delay_others,
                every_ending_lets_another_execution_run,
            }
            groups {
                a_group_is_no_larger_than_asked,
                users_take_turns_within_a_group,
                a_newcomer_waits_for_one_turn_of_each_in_a_group,
                a_group_respects_the_running_bound,
                a_user_below_the_bound_again_runs_the_next_one,
                a_user_below_the_bound_again_takes_turns_with_the_others,
                users_at_the_bound_are_served_alike,
                a_group_begins_with_what_ran_before,
                a_group_has_only_requested_languages,
                a_group_has_nothing_past_its_deadline,
                each_execution_is_in_one_group_of_many_takers,
            }
            shares {
                a_user_with_the_share_waits_for_those_with_less,
                a_share_leaves_no_place_unused,
                a_takeover_comes_before_users_below_the_share,
                a_take_for_idle_users_is_for_no_others,
                an_idle_user_comes_before_the_turns_of_others,
                a_submission_of_an_idle_user_wakes_a_taker,
            }
            leases {
                an_expired_lease_is_taken_over,
                a_valid_lease_is_not_taken_over,
                renewing_keeps_the_lease,
                a_renewal_never_shortens_a_lease,
                one_of_many_workers_takes_over,
                a_takeover_precedes_pending_executions,
                a_takeover_does_not_count_as_another_run,
                a_takeover_needs_the_language,
                a_run_past_its_deadline_is_not_taken_over,
                a_stale_worker_changes_nothing,
                an_earlier_lease_of_the_same_worker_and_instant_changes_nothing,
                an_expired_lease_is_valid_until_it_is_taken_over,
                a_lease_ends_at_the_deadline_of_the_run,
            }
            steps {
                output_continues_the_sequence_of_events,
                appending_nothing_changes_nothing,
                a_repeated_append_changes_nothing,
                an_overlapping_append_adds_only_new_events,
                an_append_beyond_the_last_event_is_refused,
                many_equal_appends_are_stored_once,
                waiting_for_input_is_an_event_among_output,
                a_repeated_wait_for_input_changes_nothing,
                finishing_is_the_last_event,
                a_repeated_finish_changes_nothing,
                a_second_outcome_changes_nothing,
                the_lease_is_lost_after_the_end,
                a_released_execution_is_pending_again,
                a_released_execution_is_taken_next,
                a_repeated_release_changes_nothing,
                a_release_revokes_the_lease,
                times_of_an_execution_never_go_back,
            }
            finishing {
                a_finish_stores_the_events_before_the_end,
                a_finish_equals_an_append_and_a_finish,
                a_repeated_finish_stores_no_event_again,
                a_finish_adds_only_new_events,
                a_finish_without_new_events_is_the_end_alone,
                a_finish_beyond_the_last_event_is_refused,
                a_finish_without_the_lease_stores_nothing,
                many_equal_finishes_are_stored_once,
                a_finish_stores_a_wait_for_input,
                a_finish_stores_many_events,
            }
            sweep {
                a_sweep_ends_executions_that_wait_too_long,
                a_release_restarts_the_queue_deadline,
                a_sweep_ends_executions_that_run_too_long,
                a_forced_end_keeps_the_output,
                the_last_attempt_ends_with_its_lease,
                a_renewed_last_attempt_is_not_ended,
                a_release_uses_up_no_attempt,
                a_sweep_changes_nothing_that_is_not_overdue,
                one_sweep_leaves_nothing_overdue,
                concurrent_sweeps_end_and_delete_each_execution_once,
                watchers_receive_a_forced_end,
                a_forced_end_revokes_the_lease,
            }
            no_worker {
                an_execution_without_a_worker_ends_after_the_deadline,
                an_announced_worker_is_waited_for,
                a_worker_that_comes_late_is_in_time,
                a_worker_with_another_language_is_not_waited_for,
                a_withdrawal_begins_the_time,
                each_execution_has_the_whole_time,
                a_released_execution_has_the_whole_time_again,
                a_running_execution_needs_no_announcement,
                a_pause_of_the_sweeps_begins_the_time_anew,
                concurrent_sweeps_end_each_execution_without_a_worker_once,
            }
            depth {
                an_empty_queue_has_no_depth,
                pending_and_running_executions_are_counted,
                ended_executions_are_not_counted,
                repeated_steps_are_counted_once,
            }
            wakeups {
                a_submission_wakes_a_taker,
                a_release_wakes_a_taker,
                a_run_that_ends_wakes_a_taker,
                a_cancelled_wait_for_work_loses_no_wakeup,
            }
            interleavings {
                random_steps_keep_every_promise,
                random_groups_match_the_model,
                concurrent_workers_keep_every_promise,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::execution_queue_tests!(@list clause_tests (execution_queue $crate::Setup::new($backend)));
    };
}
