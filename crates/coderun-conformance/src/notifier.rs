//! States the contract of [`Notifier`](coderun_domain::Notifier).

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
                events_are_delivered_in_order_without_a_gap,
                seen_events_are_not_delivered_again,
                a_stream_behind_the_final_event_ends_at_once,
                a_long_history_is_delivered_completely,
            }
            live {
                events_are_delivered_as_they_are_stored,
                the_stream_ends_with_the_final_event,
                a_stream_that_begins_beyond_the_last_event_ends_with_the_execution,
                every_subscriber_receives_every_event,
                events_of_other_executions_are_not_delivered,
                a_takeover_is_delivered,
                nothing_is_lost_between_replay_and_live,
                a_slow_subscriber_blocks_no_step_and_catches_up,
                a_dropped_subscriber_affects_no_other,
                a_cancelled_wait_for_an_event_loses_none,
            }
            gone {
                an_unknown_execution_cannot_be_watched,
                a_deleted_execution_is_gone_for_its_watchers,
                an_expired_execution_is_gone_for_its_watchers,
                a_stream_after_the_final_event_ignores_the_deletion,
            }
        }
    };
    ($backend:expr $(,)?) => {
        $crate::notifier_tests!(@list clause_tests (notifier $crate::Setup::new($backend)));
    };
}
