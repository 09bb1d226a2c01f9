//! Makes clients of single nodes.

use deadpool_redis::redis::{Client, ConnectionInfo, RedisError, RedisResult};

/// A client for this node that sends small commands without delay.
pub(super) fn client(node: &ConnectionInfo) -> RedisResult<Client> {
    install_tls();
    let settings = node.tcp_settings().clone().set_nodelay(true);
    Client::open(node.clone().set_tcp_settings(settings))
}

/// The error of a node that does not answer in time.
pub(super) fn no_answer() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// Installs a TLS provider for the process if there is none: without it the client library panics.
pub(super) fn install_tls() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        // Fails only if another thread has installed one meanwhile, which is as good.
        drop(provider.install_default());
    }
}
