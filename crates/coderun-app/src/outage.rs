//! What is tried again and again, and worth two lines in the log: when it begins to fail and when it works again.

use std::error::Error;

use coderun_domain::ErrorChain;

/// Whether something that is tried again and again fails at present.
#[derive(Debug)]
pub(crate) struct Outage {
    what: &'static str,
    failures: u64,
}

/// What a try has brought that was not known before.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Nothing,
    Fails,
    Works { failures: u64 },
}

impl Outage {
    /// Of this, such as `sweeping`, which works as far as anybody knows.
    pub(crate) const fn of(what: &'static str) -> Self {
        Self { what, failures: 0 }
    }

    /// Notes what became of a try, and logs it if that is news.
    pub(crate) fn note<T, E: Error + 'static>(&mut self, result: &Result<T, E>) {
        match result {
            Ok(_) => self.log_success(),
            Err(error) => self.log_failure(error),
        }
    }

    fn log_success(&mut self) {
        if let News::Works { failures } = self.succeeded() {
            tracing::info!(what = self.what, failures, "works again");
        }
    }

    fn log_failure(&mut self, error: &(dyn Error + 'static)) {
        if self.failed() == News::Fails {
            let (what, error) = (self.what, ErrorChain(error));
            tracing::warn!(what, %error, "fails, and is tried again");
        }
    }

    const fn succeeded(&mut self) -> News {
        match std::mem::replace(&mut self.failures, 0) {
            0 => News::Nothing,
            failures => News::Works { failures },
        }
    }

    const fn failed(&mut self) -> News {
        self.failures = self.failures.saturating_add(1);
        match self.failures {
            1 => News::Fails,
            _ => News::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_failure_and_the_first_success_after_it_are_news() {
        let mut outage = Outage::of("trying");
        assert_eq!(outage.succeeded(), News::Nothing);
        for _ in 0..2 {
            assert_eq!(outage.failed(), News::Fails);
            assert_eq!(outage.failed(), News::Nothing);
            assert_eq!(outage.failed(), News::Nothing);
            assert_eq!(outage.succeeded(), News::Works { failures: 3 });
            assert_eq!(outage.succeeded(), News::Nothing);
        }
    }
}
