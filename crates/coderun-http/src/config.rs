//! What a deployment decides about its HTTP edge.

use std::time::Duration;

use coderun_domain::ByteSize;

/// Settings of the HTTP edge; the defaults are those of the contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpConfig {
    /// The name that `/health/` shows. Default `Code Execution Service`.
    pub service: String,
    /// The version that `/health/` and `/` show. Default: of this crate.
    pub version: String,
    /// The longest request body. Default 2 MiB.
    pub body_max: ByteSize,
    /// What answers of more than 64 KiB may occupy together until they are taken. Default 256 MiB.
    pub bulk_max: ByteSize,
    /// From which web pages browsers may call. Default none but the server's own.
    pub origins: AllowedOrigins,
    /// By which names the server may be called. Default any.
    pub hosts: AllowedHosts,
    /// Bounds of the sockets.
    pub sockets: SocketLimits,
    /// How long anything may take.
    pub timeouts: Timeouts,
    /// Threads that answer requests, at least 1. Default: one for each core.
    pub workers: usize,
    /// The most connections of one thread; more of them wait to be accepted. Default 25 000.
    pub connections_max: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            service: "Code Execution Service".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            body_max: ByteSize::from_mib(2),
            bulk_max: ByteSize::from_mib(256),
            origins: AllowedOrigins::None,
            hosts: AllowedHosts::Any,
            sockets: SocketLimits::default(),
            timeouts: Timeouts::default(),
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            connections_max: 25_000,
        }
    }
}

/// From which web pages browsers may call. Pages that this server itself delivers always may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// From no other page.
    None,
    /// From any page on a loopback address or name, whatever its port.
    AnyLoopback,
    /// From exactly these origins, as browsers write them: `https://play.example`, lower case, no slash at the end.
    List(Vec<String>),
}

/// By which names the server may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowedHosts {
    /// By any.
    Any,
    /// By loopback names and addresses only, so that no web page can reach it through a name of its own.
    LoopbackOnly,
}

/// Bounds of the sockets. Streams of events and answers that wait for a change count among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketLimits {
    /// The most sockets of all users. Default 20 000.
    pub total_max: usize,
    /// The most sockets of one user. Default 50.
    pub per_user_max: usize,
    /// The most sockets whose token is still being verified. Default 1 000.
    pub unverified_max: usize,
    /// How long that verification may take. Default 5 s.
    pub verification: Duration,
    /// The longest message from a client. Default 64 KiB.
    pub message_max: ByteSize,
    /// The time from one ping to the next, greater than zero; a peer silent past two is dropped. Default 20 s.
    pub ping_interval: Duration,
    /// The time from one comment to the next in a stream of events, greater than zero. Default 15 s.
    pub comment_interval: Duration,
    /// How often a watcher is told the place of what waits in the queue, if that has changed; greater than zero. Default 1 s.
    pub queue_interval: Duration,
    /// How long a message may wait for a slow watcher. Default 5 s.
    pub send: Duration,
    /// How long a peer may take to answer a close frame until its connection ends without. Default 1 s.
    pub close: Duration,
    /// How long a socket stays open after its token has expired: the skew that the verifier allows. Default 60 s.
    pub expiry_grace: Duration,
    /// How long before that its client is told that it needs a fresh token. Default 60 s.
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
            send: Duration::from_secs(5),
            close: Duration::from_secs(1),
            expiry_grace: Duration::from_mins(1),
            expiry_notice: Duration::from_mins(1),
        }
    }
}

/// How long anything may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the head of a connection's first request is there; actix cannot bound later ones. Default 10 s.
    pub request_head: Duration,
    /// Until a request body is there. Default 30 s.
    pub request_body: Duration,
    /// How long the rest of a body that nobody wants is still taken after the answer, so that a client who sends first
    /// and reads later finds the answer. Default 1 s.
    pub linger: Duration,
    /// How long an unused connection is kept for the next request. Default 75 s.
    pub keep_alive: Duration,
    /// How long what was sent may stay unread by the peer until its connection is cut. Default 30 s.
    pub unread: Duration,
    /// Within which time after the server was told that it goes away its clients should reconnect elsewhere, as they are
    /// told; it changes nothing here. Default 30 s.
    pub going_away: Duration,
    /// How long sockets, and then requests, may take to end while the server ends. Default 10 s each.
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
