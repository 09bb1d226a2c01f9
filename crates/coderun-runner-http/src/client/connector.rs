//! Makes and keeps connections to an API, with TLS where its address asks for it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper_rustls::{HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::RwLock;
use rustls::client::ClientConfig;
use rustls::crypto::aws_lc_rs;
use tokio::net::TcpStream;
use tokio::runtime::{Handle, Id};
use tower::BoxError;
use tower::timeout::Timeout;
use tower::util::BoxCloneSyncService;

use super::send_state::TrackedBody;

/// Idle connections are closed before the server closes them: common servers wait 5 s, and a request on a connection that
/// is closed at that moment may have been received or not.
const IDLE_MAX: Duration = Duration::from_secs(3);

/// How often the system asks a silent peer whether it is there, and how many times without an answer.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_RETRIES: u32 = 3;

/// How long sent data may stay unacknowledged.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);

type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;

type Connector = BoxCloneSyncService<Uri, Connection, BoxError>;

/// A pool of connections. It asks no proxy, follows no redirect, and sends nothing again that may have been received.
type Pool = Client<Connector, TrackedBody>;

/// A pool for each runtime: on a runtime of one thread neither request nor answer wakes another thread.
pub(super) struct Pools {
    connector: Connector,
    by_runtime: RwLock<HashMap<Id, Arc<Pool>>>,
}

impl Pools {
    /// Makes no connection yet.
    ///
    /// # Errors
    /// The certificate authorities of the machine cannot be read.
    pub(super) fn new(connect_timeout: Duration, is_encrypted: bool) -> io::Result<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX));
        let builder = HttpsConnectorBuilder::new();
        let builder = if is_encrypted {
            builder.with_provider_and_platform_verifier(aws_lc_rs::default_provider())?
        } else {
            // The certificate authorities of the machine are not read, which may be missing.
            builder.with_tls_config(without_authorities()?)
        };
        let https = builder.https_or_http().enable_http1().wrap_connector(tcp);
        Ok(Self {
            connector: BoxCloneSyncService::new(Timeout::new(https, connect_timeout)),
            by_runtime: RwLock::default(),
        })
    }

    /// The pool of the runtime that this task runs on. A process has as many as it has runtimes.
    pub(super) fn of_this_runtime(&self) -> Arc<Pool> {
        let id = Handle::current().id();
        if let Some(pool) = self.by_runtime.read().get(&id) {
            return Arc::clone(pool);
        }
        let open = || {
            let mut builder = Client::builder(TokioExecutor::new());
            let builder = builder
                .pool_idle_timeout(IDLE_MAX)
                .pool_timer(TokioTimer::new());
            Arc::new(builder.build(self.connector.clone()))
        };
        Arc::clone(self.by_runtime.write().entry(id).or_insert_with(open))
    }
}

/// Trusts no certificate.
fn without_authorities() -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let none = rustls::RootCertStore::empty();
    Ok(builder.with_root_certificates(none).with_no_client_auth())
}
