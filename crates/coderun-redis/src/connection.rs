//! Connections to one node, to the master that Sentinels name, or to a Cluster.

use std::time::Duration;

use deadpool::managed::{Manager, Metrics, RecycleResult};
use deadpool_redis::redis::aio::{MultiplexedConnection, PubSub};
use deadpool_redis::redis::cluster::ClusterClient;
use deadpool_redis::redis::cluster_async::ClusterConnection;
use deadpool_redis::redis::cluster_routing::{
    MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo,
};
use deadpool_redis::redis::sentinel::{
    SentinelClient, SentinelNodeConnectionInfo, SentinelServerType,
};
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, RedisError, RedisResult, TlsMode, Value,
};

use crate::RedisConfig;
use crate::address::Target;

/// On a Cluster the client itself tries again so often, after asking where a slot is now.
const CLUSTER_RETRIES: u32 = 3;

/// A connection that any number of callers share: commands are sent as they come and answered in order.
#[derive(Clone)]
pub(crate) enum Connection {
    Node(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Connection {
    /// Sends a command and waits for its answer.
    pub(crate) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Node(connection) => command.query_async(connection).await,
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }

    /// Sends a command to every master.
    pub(crate) async fn send_to_every_node(&mut self, command: &Cmd) -> RedisResult<Vec<Value>> {
        match self {
            Self::Node(connection) => Ok(vec![command.query_async(connection).await?]),
            Self::Cluster(connection) => {
                let everywhere = RoutingInfo::MultiNode((
                    MultipleNodeRoutingInfo::AllMasters,
                    Some(ResponsePolicy::Special),
                ));
                let answer = connection
                    .route_command(command.clone(), everywhere)
                    .await?;
                let Value::Map(by_node) = answer else {
                    return Ok(vec![answer]);
                };
                Ok(by_node.into_iter().map(|(_, answer)| answer).collect())
            }
        }
    }
}

/// Makes connections, for the pool.
pub(crate) struct Connector {
    target: Target,
    connect_timeout: Duration,
    response_timeout: Duration,
}

impl Connector {
    pub(crate) fn new(config: &RedisConfig) -> Self {
        Self {
            target: config.address.target.clone(),
            connect_timeout: config.connect_timeout,
            response_timeout: config.response_timeout,
        }
    }

    async fn connect(&self) -> RedisResult<Connection> {
        let timeouts = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.response_timeout));
        match &self.target {
            Target::Node(node) => Client::open(node.clone())?
                .get_multiplexed_async_connection_with_config(&timeouts)
                .await
                .map(Connection::Node),
            Target::Sentinel { .. } => sentinel_client(&self.target)?
                .get_async_connection_with_config(&timeouts)
                .await
                .map(Connection::Node),
            Target::Cluster(nodes) => ClusterClient::builder(nodes.clone())
                .connection_timeout(self.connect_timeout)
                .response_timeout(self.response_timeout)
                .retries(CLUSTER_RETRIES)
                .build()?
                .get_async_connection()
                .await
                .map(Connection::Cluster),
        }
    }

    /// A connection that listens, to any node that answers: what is published anywhere in a Cluster comes to all.
    pub(crate) async fn listen(&self) -> RedisResult<PubSub> {
        match &self.target {
            Target::Node(node) => Client::open(node.clone())?.get_async_pubsub().await,
            Target::Sentinel { .. } => {
                let mut sentinels = sentinel_client(&self.target)?;
                let master = sentinels.async_get_client().await?;
                master.get_async_pubsub().await
            }
            Target::Cluster(nodes) => self.listen_to_first(nodes).await,
        }
    }

    async fn listen_to_first(&self, nodes: &[ConnectionInfo]) -> RedisResult<PubSub> {
        let mut last = no_answer();
        for node in nodes {
            let client = Client::open(node.clone())?;
            match tokio::time::timeout(self.connect_timeout, client.get_async_pubsub()).await {
                Ok(Ok(listening)) => return Ok(listening),
                Ok(Err(error)) => last = error,
                Err(_) => {}
            }
        }
        Err(last)
    }
}

fn no_answer() -> RedisError {
    std::io::Error::from(std::io::ErrorKind::TimedOut).into()
}

/// A client that asks the Sentinels each time who the master is, and the master whether it is one.
fn sentinel_client(target: &Target) -> RedisResult<SentinelClient> {
    let Target::Sentinel {
        sentinels,
        master_name,
        master,
        has_tls,
    } = target
    else {
        return Err(no_answer());
    };
    let mut node = SentinelNodeConnectionInfo::default()
        .set_redis_connection_info(master.redis_settings().clone());
    if *has_tls {
        node = node.set_tls_mode(TlsMode::Secure);
    }
    SentinelClient::build(
        sentinels.clone(),
        master_name.clone(),
        Some(node),
        SentinelServerType::Master,
    )
}

impl Manager for Connector {
    type Type = Connection;
    type Error = RedisError;

    async fn create(&self) -> Result<Connection, RedisError> {
        self.connect().await
    }

    /// Connections leave the pool for good, so none comes back.
    async fn recycle(&self, _: &mut Connection, _: &Metrics) -> RecycleResult<RedisError> {
        Ok(())
    }
}
