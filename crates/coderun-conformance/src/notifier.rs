//! The contract of [`Notifier`](coderun_domain::Notifier).

pub mod gone;
pub mod live;
pub mod replay;

/// Makes one test of each clause for the notifier that this constructor makes: a function or closure from a manual clock
/// and a policy to a future of [`Backend`](crate::Backend).
#[macro_export]
macro_rules! notifier_tests {
    (@list $then:ident $context:tt) => {
        $crate::$then! { $context
            replay {
                everything_is_told_in_order_without_a_gap,
                what_was_seen_is_not_told_again,
                the_end_of_a_final_execution_has_nothing_behind_it,
                a_long_story_is_told_whole,
            }
            live {
                events_are_told_as_they_are_stored,
                the_stream_ends_with_the_final_event,
                a_watcher_from_the_future_is_let_go_at_the_end,
                all_subscribers_are_told_everything,
                other_executions_are_not_told_of,
                a_takeover_is_told,
                nothing_is_lost_between_replay_and_live,
                a_slow_subscriber_blocks_nobody_and_catches_up,
                a_dropped_subscriber_harms_nobody,
                waiting_for_an_event_can_be_given_up,
            }
            gone {
                an_unknown_execution_cannot_be_watched,
                a_deleted_execution_is_gone_for_its_watchers,
                an_expired_execution_is_gone_for_its_watchers,
                a_watcher_that_saw_the_end_does_not_see_the_deletion,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::notifier_tests!(@list clause_tests (notifier $crate::Setup::new($backend)));
    };
}
