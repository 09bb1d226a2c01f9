//! Defines the settings of the HTTP edge.

use std::time::Duration;

use coderun_domain::ByteSize;

use crate::PageFile;

/// Settings of the HTTP edge; the defaults are those of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// The name that `/health/` shows. Default `Code Execution Service`.
    pub service: String,
    /// The version that `/health/` and `/` show. Default: of this crate.
    pub version: String,
    /// The longest request body. Default 2 MiB.
    pub body_max: ByteSize,
    /// The memory for request bodies that arrive slowly, all together, and as much again for parsing long ones. Users share
    /// it: one alone holds a quarter of each at most. Default 64 MiB.
    pub bodies_max: ByteSize,
    /// The memory that all large answers may occupy together until they are taken. Users share it as that of bodies. Default
    /// 256 MiB.
    pub large_answers_max: ByteSize,
    /// The web pages that may call from a browser. Default: only pages of this server.
    pub origins: AllowedOrigins,
    /// The `Host` names that are answered. Default: any.
    pub hosts: AllowedHosts,
    /// The limits of sockets.
    pub sockets: SocketLimits,
    /// The timeouts of requests and connections.
    pub timeouts: Timeouts,
    /// The threads that answer requests, at least 1. Default: one for each core.
    pub workers: usize,
    /// The most connections of one thread; further connections wait to be accepted. When only a sixteenth of them is left, those
    /// that have waited longest for a request are closed. Default 25 000.
    pub connections_max: usize,
    /// The files of the page for people. Default: none, and `/` answers JSON alone.
    pub page: Vec<PageFile>,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            service: "Code Execution Service".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            body_max: ByteSize::from_mib(2),
            bodies_max: ByteSize::from_mib(64),
            large_answers_max: ByteSize::from_mib(256),
            origins: AllowedOrigins::None,
            hosts: AllowedHosts::Any,
            sockets: SocketLimits::default(),
            timeouts: Timeouts::default(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            connections_max: 25_000,
            page: Vec::new(),
        }
    }
}

/// The web pages that may call from a browser. Pages of this server always may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// No other page.
    None,
    /// Any page on a loopback address or name, with any port.
    AnyLoopback,
    /// Exactly these origins, as browsers write them: `https://play.example`, lower case, no slash at the end.
    List(Vec<String>),
}

/// The `Host` names that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowedHosts {
    /// Any name.
    Any,
    /// Loopback names and addresses only, so that no web page can reach the server through DNS rebinding.
    LoopbackOnly,
}

/// The limits of sockets. Event streams and long polls count as sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// The most sockets of all users. Default 20 000.
    pub total_max: usize,
    /// The most sockets of one user. Default 50.
    pub per_user_max: usize,
    /// The most sockets whose token is still being verified. Default 1 000.
    pub unverified_max: usize,
    /// The longest time for that verification. Default 5 s.
    pub verification: Duration,
    /// The longest message from a client. One of up to 1 MiB is skipped with an error, and a longer one closes the socket.
    /// Default 64 KiB.
    pub message_max: ByteSize,
    /// The time between two pings, greater than zero. A peer that leaves two unanswered is dropped. Default 20 s.
    pub ping_interval: Duration,
    /// The time between two comments in an event stream, greater than zero. Default 15 s.
    pub comment_interval: Duration,
    /// The time between two reads of a pending execution's queue position, greater than zero. Default 1 s.
    pub queue_interval: Duration,
    /// The time between two notes that an execution which takes input is watched, greater than zero. Default 15 s.
    pub watcher_interval: Duration,
    /// The longest time that a message waits for a slow watcher. Default 5 s.
    pub send: Duration,
    /// The longest time to wait for the peer's close frame before the connection ends. Default 1 s.
    pub close: Duration,
    /// The time that a socket stays open after its token has expired: the clock skew of the verifier. Default 60 s.
    pub expiry_grace: Duration,
    /// The time before the token's expiry at which the client is told to send a fresh token. Default 60 s.
    pub expiry_notice: Duration,
}

impl Default for SocketLimits {
    fn default() -> Self {
        Self {
            total_max: 20_000,
            per_user_max: 50,
            unverified_max: 1_000,
            verification: Duration::from_secs(5),
            message_max: ByteSize::from_kib(64),
            ping_interval: Duration::from_secs(20),
            comment_interval: Duration::from_secs(15),
            queue_interval: Duration::from_secs(1),
            watcher_interval: Duration::from_secs(15),
            send: Duration::from_secs(5),
            close: Duration::from_secs(1),
            expiry_grace: Duration::from_mins(1),
            expiry_notice: Duration::from_mins(1),
        }
    }
}

/// The timeouts of requests and connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the head of a request: from the start of its connection, or from the first byte of a later head. Default 10 s.
    pub request_head: Duration,
    /// For a request body. Default 30 s.
    pub request_body: Duration,
    /// For the rest of an unread body after the response, so that a client that sends everything before it reads still gets
    /// the response. Default 1 s.
    pub linger: Duration,
    /// For an unused connection. Default 75 s.
    pub keep_alive: Duration,
    /// For what waits until the peer reads; after that its connection is cut. Default 30 s.
    pub unread: Duration,
    /// The time that clients are given to reconnect elsewhere when the server goes away. They are told of it; the server does
    /// not enforce it. Default 30 s.
    pub going_away: Duration,
    /// For sockets, and then for requests, while the server ends. Default 10 s each.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            request_head: Duration::from_secs(10),
            request_body: Duration::from_secs(30),
            linger: Duration::from_secs(1),
            keep_alive: Duration::from_secs(75),
            unread: Duration::from_secs(30),
            going_away: Duration::from_secs(30),
            drain: Duration::from_secs(10),
        }
    }
}
