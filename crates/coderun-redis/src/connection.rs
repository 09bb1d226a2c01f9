//! Sends commands on a connection to one node, to the master that Sentinels name, or to a Cluster.

mod client;
mod connector;
mod sentinel;

use std::time::Duration;

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::cluster_async::ClusterConnection;
use deadpool_redis::redis::cluster_routing::{
    MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo, SingleNodeRoutingInfo,
};
use deadpool_redis::redis::{
    Cmd, ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, pipe,
};

pub(crate) use connector::Connector;

/// A connection that any number of callers share: the server answers the commands in their order.
#[derive(Clone)]
pub(crate) enum Connection {
    /// To one server. It stays broken once it breaks.
    Node(MultiplexedConnection),
    /// To every master of a Cluster. It reconnects to single nodes by itself.
    Cluster(ClusterConnection),
}

impl Connection {
    /// Sends a command once, and waits for the answer.
    pub(crate) async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Node(connection) => command.query_async(connection).await,
            // Boxed, because its state is large and most calls are not to a Cluster.
            Self::Cluster(connection) => Box::pin(send_to_cluster(connection, command)).await,
        }
    }

    /// Sends commands in this order, once, and waits for all answers, or until the first error of a Cluster. On one node they
    /// travel together.
    pub(crate) async fn send_all(&mut self, commands: Vec<Cmd>) -> RedisResult<Vec<Value>> {
        match self {
            Self::Node(connection) => {
                let mut all = pipe();
                // Each error is that of its answer.
                all.ignore_errors();
                for command in commands {
                    all.add_command(command);
                }
                let answers: Vec<Value> = all.query_async(connection).await?;
                answers.into_iter().map(Value::extract_error).collect()
            }
            Self::Cluster(_) => {
                let mut answers = Vec::new();
                for command in commands {
                    answers.push(self.send(&command).await?);
                }
                Ok(answers)
            }
        }
    }

    /// Waits until so many replicas have stored all changes of this connection, and returns how many have. On a Cluster it
    /// returns at once: each master has replicas of its own there.
    pub(crate) async fn wait_for_replicas(
        &mut self,
        count: u32,
        timeout: Duration,
    ) -> RedisResult<u32> {
        match self {
            Self::Node(connection) => {
                let mut wait = Cmd::new();
                wait.arg("WAIT").arg(count).arg(timeout.as_millis().max(1));
                wait.query_async(connection).await
            }
            Self::Cluster(_) => Ok(count),
        }
    }

    /// Sends a command to every master.
    pub(crate) async fn send_to_every_master(&mut self, command: &Cmd) -> RedisResult<Vec<Value>> {
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
                // Pairs of a node and its answer.
                let by_node = answer.into_map_iter();
                let by_node = by_node.map_err(|_| not_by_node())?;
                Ok(by_node.map(|(_, answer)| answer).collect())
            }
        }
    }
}

/// Sends a command, also to a slot that is moving.
async fn send_to_cluster(connection: &mut ClusterConnection, command: &Cmd) -> RedisResult<Value> {
    match command.query_async(connection).await {
        Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::Ask) => {
            let node = error
                .redirect_node()
                .and_then(|(node, _slot)| address(node));
            send_asking(connection, command, node.ok_or(error)?).await
        }
        answer => answer,
    }
}

/// Sends a command to the node that a slot is moving to. That node requires `ASKING` right before it.
async fn send_asking(
    connection: &mut ClusterConnection,
    command: &Cmd,
    node: SingleNodeRoutingInfo,
) -> RedisResult<Value> {
    let mut commands = pipe();
    commands.cmd("ASKING").add_command(command.clone());
    let mut answers = connection.route_pipeline(commands, 1, 1, node).await?;
    answers.pop().unwrap_or(Value::Nil).extract_error()
}

fn address(node: &str) -> Option<SingleNodeRoutingInfo> {
    let (host, port) = node.rsplit_once(':')?;
    Some(SingleNodeRoutingInfo::ByAddress {
        host: host.to_owned(),
        port: port.parse().ok()?,
    })
}

fn not_by_node() -> RedisError {
    RedisError::from((
        ErrorKind::UnexpectedReturnType,
        "expected an answer of each node",
    ))
}
