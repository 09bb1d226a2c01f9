//! The network of a sandbox, in which there is nothing but a loopback device that is down.

use super::kernel_calls;

/// Where the next sandbox has its network from. It is never that of another sandbox.
#[derive(Debug)]
pub(super) enum NextNetwork {
    /// From the launcher, which is in a fresh one. It is good for one sandbox only.
    OfLauncher,
    /// It is made together with the sandbox.
    OfItsOwn,
}

impl NextNetwork {
    /// Makes a network ahead, which takes the kernel half a millisecond. Only root can do that.
    pub(super) fn prepare() -> Self {
        match kernel_calls::new_network_namespace() {
            Ok(()) => Self::OfLauncher,
            Err(_) => Self::OfItsOwn,
        }
    }

    /// What this means for the clone that makes the sandbox.
    pub(super) const fn clone_flags(self) -> i32 {
        match self {
            Self::OfLauncher => 0,
            Self::OfItsOwn => libc::CLONE_NEWNET,
        }
    }
}
