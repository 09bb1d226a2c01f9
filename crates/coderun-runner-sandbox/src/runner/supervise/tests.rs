use coderun_domain::ByteSize;

use super::*;
use crate::protocol::encode;
use crate::runner::stage::tests::guarded;

/// Supervises a stage whose launcher answers with this refusal.
async fn refused(signals: &StageSignals) -> Result<StageEnd, StageError> {
    let (guard, socket, launcher) = guarded();
    let launcher = UnixStream::from_std(launcher.into()).unwrap();
    let minute = Duration::from_mins(1);
    let limits = StageLimits::new(minute, minute, ByteSize::from_mib(64), 16).unwrap();
    let answer = async {
        if signals.reason().is_some() {
            // The launcher is asked to kill it by the end of what the service sends.
            launcher.readable().await.unwrap();
        }
        let reason = "could not write `setgroups`".to_owned();
        let refusal = encode(&LauncherMessage::Refused { reason }).unwrap();
        rustix::io::write(&launcher, &refusal).unwrap();
    };
    let supervising = supervise(&guard, socket, &limits, signals, NonZero::<u32>::MIN);
    tokio::join!(supervising, answer).0
}

#[tokio::test]
async fn a_stage_that_was_stopped_while_it_was_built_is_not_refused() {
    let signals = StageSignals::new();
    signals.stop(StopReason::WallTime);
    let end = refused(&signals).await.unwrap();
    assert_eq!(end.stopped, Some(StopReason::WallTime));
    assert!(end.is_gone);
    let error = refused(&StageSignals::new()).await.unwrap_err();
    assert!(matches!(error, StageError::NotBuilt(reason) if reason.contains("setgroups")));
}
