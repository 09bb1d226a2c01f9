//! Creates the network of a sandbox: a namespace with a loopback device and nothing beyond it.
//!
//! What sockets hold back for a reader that does not read is memory of the kernel. Where a control group counts memory it
//! counts that too; everywhere the network bounds what one connection holds. A network whose connections cannot be bounded
//! has no loopback device that works.

use std::fs;
use std::os::fd::AsFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::kernel_calls;
use super::step::{StepContext, StepError};

/// The network namespace of the next sandbox, which no other sandbox shares.
#[derive(Debug, Clone, Copy)]
pub(super) enum Network {
    /// The launcher is in a new one, which one sandbox inherits.
    Prepared,
    /// It is created together with the sandbox.
    New,
}

impl Network {
    /// Creates a network ahead of time, which takes the kernel half a millisecond. Only root can do that.
    pub(super) fn prepare() -> Self {
        let prepared = kernel_calls::new_network_namespace()
            .step("create a network")
            .and_then(|()| start_loopback());
        match prepared {
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

    /// Starts the loopback device, within the sandbox.
    pub(super) fn enter(self) -> Result<(), StepError> {
        match self {
            Self::Prepared => Ok(()),
            Self::New => start_loopback(),
        }
    }
}

/// The smallest, first and largest receive buffer and send buffer of a TCP connection, in bytes. The kernel's own largest are
/// megabytes.
const BUFFERS: [(&str, &str); 2] = [
    ("/proc/sys/net/ipv4/tcp_rmem", "4096 65536 262144"),
    ("/proc/sys/net/ipv4/tcp_wmem", "4096 16384 262144"),
];

/// Settings that some kernels do not let an ordinary user change.
const OTHERS: [(&str, &str); 3] = [
    // No port is anybody else's here.
    ("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"),
    // Connections that wait for `accept`, and those that have ended: neither needs a descriptor.
    ("/proc/sys/net/core/somaxconn", "512"),
    ("/proc/sys/net/ipv4/tcp_max_tw_buckets", "1024"),
];

fn start_loopback() -> Result<(), StepError> {
    for (setting, value) in BUFFERS {
        if fs::write(setting, value).is_err() {
            return Ok(());
        }
    }
    for (setting, value) in OTHERS {
        let _ = fs::write(setting, value);
    }
    let step = "start the loopback device";
    let (family, kind) = (AddressFamily::INET, SocketType::DGRAM);
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None).step(step)?;
    kernel_calls::start_loopback(socket.as_fd()).step(step)
}
