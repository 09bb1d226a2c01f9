//! Sets up the network of a sandbox: a namespace with a loopback device and nothing beyond it.
//!
//! What sockets hold back for a reader that does not read is memory of the kernel. Where a control group counts memory it
//! counts that too; everywhere the network bounds what one connection holds. A network whose connections cannot be bounded
//! has no loopback device that works.

use std::os::fd::AsFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::host_proc::HostProc;
use super::kernel_calls;
use super::step::{StepContext, StepError};

/// Sets up the network of this process, which is a new one.
pub(super) fn set_up(proc: &HostProc) -> Result<(), StepError> {
    for (setting, value) in BUFFERS {
        if proc.write(setting, value).is_err() {
            return Ok(());
        }
    }
    for (setting, value) in OTHERS {
        let _ = proc.write(setting, value);
    }
    let step = "start the loopback device";
    let (family, kind) = (AddressFamily::INET, SocketType::DGRAM);
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None).step(step)?;
    kernel_calls::start_loopback(socket.as_fd()).step(step)
}

/// The smallest, first and largest receive buffer and send buffer of a TCP connection, in bytes. The kernel's own largest are
/// megabytes.
const BUFFERS: [(&str, &str); 2] = [
    ("sys/net/ipv4/tcp_rmem", "4096 65536 262144"),
    ("sys/net/ipv4/tcp_wmem", "4096 16384 262144"),
];

/// Settings that some kernels do not let an ordinary user change.
const OTHERS: [(&str, &str); 3] = [
    // No port is anybody else's here.
    ("sys/net/ipv4/ip_unprivileged_port_start", "0"),
    // Connections that wait for `accept`, and those that have ended: neither needs a descriptor.
    ("sys/net/core/somaxconn", "512"),
    ("sys/net/ipv4/tcp_max_tw_buckets", "1024"),
];
