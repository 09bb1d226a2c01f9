//! Receives dispatches from the service and sends messages on the sockets of stages.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendFlags, recvmsg,
    sendmsg,
};

use crate::jail::step::StepError;
use crate::protocol::{
    DESCRIPTORS_MAX, Dispatch, LauncherMessage, MESSAGE_MAX_BYTES, decode, encode,
};

/// Sends a message; a service that no longer listens needs none.
pub(super) fn send(socket: &OwnedFd, message: &LauncherMessage) {
    let Ok(bytes) = encode(message) else { return };
    let mut no_descriptors = SendAncillaryBuffer::default();
    let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let sent = sendmsg(socket, &[IoSlice::new(&bytes)], &mut no_descriptors, flags);
    // On a failure the service sees the socket end.
    let _ = sent;
}

/// Takes the next dispatch; `None` when the service is gone.
pub(super) fn receive() -> io::Result<Option<(Dispatch, Vec<OwnedFd>)>> {
    let mut bytes = [0_u8; MESSAGE_MAX_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = retry_on_intr(|| {
        recvmsg(
            rustix::stdio::stdin(),
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            RecvFlags::CMSG_CLOEXEC,
        )
    });
    let length = match received {
        Ok(message) => message.bytes,
        Err(Errno::CONNRESET) => 0,
        Err(errno) => return Err(errno.into()),
    };
    if length == 0 {
        return Ok(None);
    }
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let dispatch = decode(bytes.get(..length).unwrap_or_default())?;
    Ok(Some((dispatch, descriptors)))
}

/// Tells the service why there is no sandbox.
pub(super) fn refuse(socket: &OwnedFd, error: &StepError) {
    let reason = format!("{error}: {}", error.errno);
    send(socket, &LauncherMessage::Refused { reason });
}
