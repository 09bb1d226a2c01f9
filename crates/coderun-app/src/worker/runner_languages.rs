//! Keeps the languages of the runner for a moment, because a busy worker needs them for each execution that it takes.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{CodeRunner, Language};
use parking_lot::Mutex;
use tokio::time::Instant;

/// How old the languages may be.
const AGE_MAX: Duration = Duration::from_millis(100);

/// The languages that a runner has had a moment ago.
#[derive(Debug, Default)]
pub(super) struct RunnerLanguages(Mutex<Option<(Instant, Arc<[Language]>)>>);

impl RunnerLanguages {
    /// The languages of this runner. A runner copies names, versions and examples of all of them each time it is asked.
    pub(super) fn of(&self, runner: &dyn CodeRunner) -> Arc<[Language]> {
        let mut known = self.0.lock();
        if let Some((read_at, languages)) = &*known
            && read_at.elapsed() < AGE_MAX
        {
            return Arc::clone(languages);
        }
        let specs = runner.languages().into_iter();
        let languages = specs.map(|spec| spec.language).collect();
        let (_, languages) = known.insert((Instant::now(), languages));
        Arc::clone(languages)
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::MockCodeRunner;
    use coderun_domain::testing::catalog;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_runner_is_asked_again_after_a_moment() {
        let (mut runner, mut times) = (MockCodeRunner::new(), 0);
        runner.expect_languages().times(2).returning(move || {
            times += 1;
            catalog().specs()[..times].to_vec()
        });
        let languages = RunnerLanguages::default();
        assert_eq!(languages.of(&runner).len(), 1);
        tokio::time::advance(AGE_MAX / 2).await;
        assert_eq!(languages.of(&runner).len(), 1);
        tokio::time::advance(AGE_MAX / 2).await;
        assert_eq!(languages.of(&runner).len(), 2);
    }
}
