//! The contract of [`ExecutionQueue`](coderun_domain::ExecutionQueue).

pub mod depth;
pub mod interleavings;
pub mod leases;
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
                without_work_there_is_nothing_to_take,
                what_is_taken_runs,
                each_execution_is_taken_once_by_many_takers,
                only_languages_asked_for_are_taken,
                executions_of_one_user_are_taken_in_their_order,
                what_has_waited_too_long_is_not_taken,
            }
            turns {
                users_take_turns,
                a_newcomer_waits_for_one_turn_of_each,
                a_user_runs_no_more_than_allowed,
                a_user_at_the_bound_delays_nobody,
                every_way_to_end_frees_the_place,
            }
            leases {
                a_lease_that_has_run_out_is_taken_over,
                a_lease_that_holds_is_not_taken_over,
                renewing_keeps_the_lease,
                one_of_many_takes_over,
                a_takeover_goes_first,
                a_takeover_needs_no_place,
                a_takeover_needs_the_language,
                a_run_past_its_deadline_is_not_taken_over,
                a_stale_worker_changes_nothing,
                a_lease_that_nobody_took_over_is_still_good,
                a_lease_ends_with_the_deadline_of_the_run,
            }
            steps {
                output_is_numbered_behind_what_there_is,
                appending_nothing_changes_nothing,
                a_repeated_append_changes_nothing,
                an_append_adds_only_what_is_not_there,
                an_append_beyond_the_last_event_is_refused,
                many_equal_appends_are_one,
                waiting_for_input_is_an_event_among_output,
                a_repeated_wait_for_input_changes_nothing,
                finishing_is_the_last_event,
                a_repeated_finish_changes_nothing,
                another_outcome_comes_too_late,
                after_the_end_the_lease_is_lost,
                a_released_execution_waits_again,
                a_released_execution_is_taken_next,
                a_repeated_release_changes_nothing,
                a_released_execution_is_not_its_workers_any_more,
                times_never_go_back,
            }
            sweep {
                what_waits_too_long_is_ended,
                a_wait_begins_anew_when_given_back,
                what_runs_too_long_is_ended,
                what_is_ended_by_force_keeps_its_output,
                the_last_attempt_ends_with_its_lease,
                the_last_attempt_may_keep_its_lease,
                what_is_given_back_uses_up_no_attempt,
                a_sweep_leaves_the_rest_alone,
                one_sweep_leaves_nothing_overdue,
                each_is_ended_and_deleted_once_by_many_sweeps,
                watchers_are_told_of_a_forced_end,
                the_worker_of_what_was_ended_by_force_is_stale,
            }
            depth {
                an_empty_queue_has_no_depth,
                what_waits_and_what_runs_is_counted,
                what_ends_is_counted_no_more,
                a_repetition_is_counted_once,
            }
            wakeups {
                a_submission_wakes_a_taker,
                a_release_wakes_a_taker,
                a_free_place_wakes_a_taker,
                giving_up_to_wait_harms_nobody,
            }
            interleavings {
                random_steps_keep_every_promise,
                concurrent_workers_keep_every_promise,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::execution_queue_tests!(@list clause_tests (execution_queue $crate::Setup::new($backend)));
    };
}
