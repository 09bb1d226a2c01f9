//! Creates the network of a sandbox: a namespace with nothing but a loopback device that is down.

use super::kernel_calls;

/// The network namespace of the next sandbox, which no other sandbox shares.
#[derive(Debug)]
pub(super) enum Network {
    /// The launcher is in a new one, which one sandbox inherits.
    Prepared,
    /// It is created together with the sandbox.
    New,
}

impl Network {
    /// Creates a network ahead of time, which takes the kernel half a millisecond. Only root can do that.
    pub(super) fn prepare() -> Self {
        match kernel_calls::new_network_namespace() {
            Ok(()) => Self::Prepared,
            Err(_) => Self::New,
        }
    }

    /// The flags for the clone that creates the sandbox.
    pub(super) const fn clone_flags(self) -> i32 {
        match self {
            Self::Prepared => 0,
            Self::New => libc::CLONE_NEWNET,
        }
    }
}
