//! Makes connections for commands and for subscriptions.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use deadpool_redis::redis::aio::PubSub;
use deadpool_redis::redis::cluster::ClusterClient;
use deadpool_redis::redis::io::tcp::TcpSettings;
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, RedisError, RedisResult,
};

use super::client::{client, install_tls, no_answer};
use super::{Connection, sentinel};
use crate::RedisConfig;
use crate::address::Target;

/// The client of a Cluster must not retry by itself: a command whose answer is lost may have run, and only the caller
/// can mark it as a repetition.
const CLUSTER_RETRIES: u32 = 0;

/// Makes connections for the pool and the subscriber.
pub(crate) struct Connector {
    target: Target,
    timeouts: AsyncConnectionConfig,
    connect_timeout: Duration,
    response_timeout: Duration,
    /// The number of connections for subscriptions so far.
    pubsub_connections: AtomicUsize,
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
            pubsub_connections: AtomicUsize::new(0),
        }
    }

    async fn connect_to_cluster(&self, nodes: &[ConnectionInfo]) -> RedisResult<Connection> {
        install_tls();
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

    /// Connects for subscriptions. Any node of a Cluster will do: messages reach all of them.
    pub(crate) async fn connect_pubsub(&self) -> RedisResult<PubSub> {
        match &self.target {
            Target::Node(node) => self.connect_pubsub_to(&client(node)?).await,
            Target::Sentinel(sentinels) => {
                let (master, _) = sentinel::find_master(sentinels, &self.timeouts).await?;
                self.connect_pubsub_to(&master).await
            }
            Target::Cluster(nodes) => self.connect_pubsub_to_any(nodes).await,
        }
    }

    /// Starts with another node each time, since a node that is cut off from the others may still answer.
    async fn connect_pubsub_to_any(&self, nodes: &[ConnectionInfo]) -> RedisResult<PubSub> {
        let first = self.pubsub_connections.fetch_add(1, Ordering::Relaxed) % nodes.len().max(1);
        let mut last = no_answer();
        for node in nodes.iter().cycle().skip(first).take(nodes.len()) {
            match self.connect_pubsub_to(&client(node)?).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn connect_pubsub_to(&self, node: &Client) -> RedisResult<PubSub> {
        let connecting = tokio::time::timeout(self.connect_timeout, node.get_async_pubsub());
        connecting.await.unwrap_or_else(|_| Err(no_answer()))
    }
}

impl Manager for Connector {
    type Type = Connection;
    type Error = RedisError;

    async fn create(&self) -> RedisResult<Connection> {
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

    /// Every connection is taken out of the pool and dropped when it breaks, so none ever returns.
    async fn recycle(&self, _: &mut Connection, _: &Metrics) -> RecycleResult<RedisError> {
        Err(RecycleError::message("connections are not reused"))
    }
}
