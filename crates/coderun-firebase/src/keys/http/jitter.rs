//! Chance, so that many processes do not do the same at the same time.

use std::time::Duration;

/// A time between nothing and this, by chance.
pub(super) fn up_to(most: Duration) -> Duration {
    let mut bytes = [0];
    // Without randomness all processes come at once, which is no reason not to come.
    aws_lc_rs::rand::fill(&mut bytes).ok();
    let [part] = bytes;
    most * u32::from(part) / u32::from(u8::MAX)
}
