use super::*;
use crate::slots::Slots;

/// What a stage occupies that has a launcher at the other end of this socket, and no group.
fn resources(socket: OwnedFd, slots: &Slots) -> StageResources {
    StageResources {
        socket,
        group: None,
        slot: Arc::new(slots.try_take().unwrap()),
        _processors: None,
        launcher: None,
    }
}

/// A guard of such a stage, the service's end of its socket, and the launcher's. Neither blocks.
pub(in crate::runner) fn guarded() -> (StageGuard, OwnedFd, OwnedFd) {
    let (socket, launcher) = stage_socket().unwrap();
    for end in [&socket, &launcher] {
        rustix::io::ioctl_fionbio(end, true).unwrap();
    }
    let resources = resources(socket.try_clone().unwrap(), &Slots::new(1));
    (StageGuard::new(resources), socket, launcher)
}

#[test]
fn a_stage_that_does_not_end_keeps_its_slot_until_it_has_ended() {
    let slots = Slots::new(1);
    let (socket, launcher) = stage_socket().unwrap();
    let resources = resources(socket, &slots);
    let cleaning = thread::spawn(move || resources.clean_up_after_end(Duration::from_millis(1)));
    while slots.unusable_because().is_none() {
        assert!(!cleaning.is_finished(), "it was given up");
        thread::yield_now();
    }
    assert!(slots.try_take().is_none());
    drop(launcher);
    cleaning.join().unwrap();
    assert_eq!(slots.unusable_because(), None);
    assert!(slots.try_take().is_some());
}
