//! Makes connections.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_redis::redis::aio::PubSub;
use deadpool_redis::redis::cluster::ClusterClient;
use deadpool_redis::redis::io::tcp::TcpSettings;
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, RedisError, RedisResult,
};

use super::{Connection, sentinel};
use crate::RedisConfig;
use crate::address::Target;

/// The client of a Cluster must not try again by itself: a command whose answer was lost may have run, and only the
/// caller knows how to ask for it again.
const CLUSTER_RETRIES: u32 = 0;

/// Makes connections, for the pool and for who listens.
pub(crate) struct Connector {
    target: Target,
    timeouts: AsyncConnectionConfig,
    connect_timeout: Duration,
    response_timeout: Duration,
    /// How often somebody began to listen.
    turns: AtomicUsize,
}

impl Connector {
    pub(crate) fn new(config: &RedisConfig) -> Self {
        Self {
            target: config.address.target.clone(),
            timeouts: AsyncConnectionConfig::new()
                .set_connection_timeout(Some(config.connect_timeout))
                .set_response_timeout(Some(config.response_timeout)),
            connect_timeout: config.connect_timeout,
            response_timeout: config.response_timeout,
            turns: AtomicUsize::new(0),
        }
    }

    async fn connect(&self) -> RedisResult<Connection> {
        match &self.target {
            Target::Node(node) => client(node)?
                .get_multiplexed_async_connection_with_config(&self.timeouts)
                .await
                .map(Connection::Node),
            Target::Sentinel(sentinels) => sentinel::find_master(sentinels, &self.timeouts)
                .await
                .map(|(_, connection)| Connection::Node(connection)),
            Target::Cluster(nodes) => self.connect_to_cluster(nodes).await,
        }
    }

    async fn connect_to_cluster(&self, nodes: &[ConnectionInfo]) -> RedisResult<Connection> {
        install_encryption();
        ClusterClient::builder(nodes.iter().cloned())
            .connection_timeout(self.connect_timeout)
            .response_timeout(self.response_timeout)
            .retries(CLUSTER_RETRIES)
            .tcp_settings(TcpSettings::default().set_nodelay(true))
            .build()?
            .get_async_connection()
            .await
            .map(Connection::Cluster)
    }

    /// A connection that listens, to any node that answers: what is published anywhere in a Cluster comes to all.
    pub(crate) async fn listen(&self) -> RedisResult<PubSub> {
        match &self.target {
            Target::Node(node) => self.listen_to(&client(node)?).await,
            Target::Sentinel(sentinels) => {
                let (master, _) = sentinel::find_master(sentinels, &self.timeouts).await?;
                self.listen_to(&master).await
            }
            Target::Cluster(nodes) => self.listen_to_any(nodes).await,
        }
    }

    /// Each time begins with another node: one that is cut off from the others may well answer.
    async fn listen_to_any(&self, nodes: &[ConnectionInfo]) -> RedisResult<PubSub> {
        let first = self.turns.fetch_add(1, Ordering::Relaxed) % nodes.len().max(1);
        let mut last = no_answer();
        for node in nodes.iter().cycle().skip(first).take(nodes.len()) {
            match self.listen_to(&client(node)?).await {
                Ok(listening) => return Ok(listening),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn listen_to(&self, node: &Client) -> RedisResult<PubSub> {
        let listening = tokio::time::timeout(self.connect_timeout, node.get_async_pubsub());
        listening.await.unwrap_or_else(|_| Err(no_answer()))
    }
}

impl Manager for Connector {
    type Type = Connection;
    type Error = RedisError;

    async fn create(&self) -> RedisResult<Connection> {
        self.connect().await
    }

    /// Connections leave the pool for good: what would come back is broken.
    async fn recycle(&self, _: &mut Connection, _: &Metrics) -> RecycleResult<RedisError> {
        Err(RecycleError::message("only broken connections come back"))
    }
}

/// A client that sends at once what it is given.
pub(super) fn client(node: &ConnectionInfo) -> RedisResult<Client> {
    install_encryption();
    let settings = node.tcp_settings().clone().set_nodelay(true);
    Client::open(node.clone().set_tcp_settings(settings))
}

pub(super) fn no_answer() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// The client takes the encryption that the process has, and panics where it has none.
fn install_encryption() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        // Somebody else was quicker: then theirs is used.
        drop(provider.install_default());
    }
}
