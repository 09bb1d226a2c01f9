//! Makes attempts to connect rare where only an operator can help.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

use crate::command_error::CommandError;

/// The waits after an attempt that the server refuses for good, before jitter, which adds up to as much again: one or two
/// seconds at first, up to five later.
const REFUSED: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_secs(1))
    .with_max_delay(Duration::from_millis(2_500))
    .with_jitter()
    .without_max_times();

/// Lengthens the waits after attempts that the server refuses for good, such as for a wrong password: each is a line in its log.
/// Other waits stay as they are.
pub(crate) fn longer_if_refused() -> impl FnMut(&CommandError, Option<Duration>) -> Option<Duration>
{
    let mut waits = REFUSED.build();
    move |error, wait| {
        if error.is_retryable() {
            wait
        } else {
            waits.next()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_after_refusals_grow_from_one_second_to_five_at_most() {
        let mut adjust = longer_if_refused();
        let short = Some(Duration::from_millis(10));
        let refused = CommandError::MissingRights("GET".to_owned());
        for shortest_ms in [1_000, 2_000, 2_500, 2_500, 2_500] {
            let wait = adjust(&refused, short).unwrap();
            let shortest = Duration::from_millis(shortest_ms);
            assert!((shortest..=2 * shortest).contains(&wait), "{wait:?}");
            assert_eq!(adjust(&CommandError::ConnectTimedOut, short), short);
        }
    }
}
