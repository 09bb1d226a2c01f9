//! Finds the master by asking the Sentinels.

use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, RedisError,
    RedisResult, Role,
};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::client::client;
use crate::address::Sentinels;
use crate::command::command;

/// Connects to the master, and returns the client for more connections. Asks all Sentinels at once and takes the first
/// master that confirms its role, so that a Sentinel that hangs or has missed a failover delays nothing.
pub(super) async fn find_master(
    sentinels: &Sentinels,
    timeouts: &AsyncConnectionConfig,
) -> RedisResult<(Client, MultiplexedConnection)> {
    let mut searches: FuturesUnordered<_> = sentinels
        .addresses
        .iter()
        .map(|sentinel| ask_for_master(sentinels, sentinel, timeouts))
        .collect();
    let mut last = unknown_master();
    while let Some(found) = searches.next().await {
        match found {
            Ok(master) => return Ok(master),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn ask_for_master(
    sentinels: &Sentinels,
    sentinel: &ConnectionInfo,
    timeouts: &AsyncConnectionConfig,
) -> RedisResult<(Client, MultiplexedConnection)> {
    let address = find_address(sentinels, sentinel, timeouts).await?;
    let master = client(&sentinels.master.clone().set_addr(address))?;
    let mut connection = master
        .get_multiplexed_async_connection_with_config(timeouts)
        .await?;
    let role: Role = command(&["ROLE"]).query_async(&mut connection).await?;
    let is_master = matches!(role, Role::Primary { .. });
    is_master
        .then_some((master, connection))
        .ok_or_else(unknown_master)
}

async fn find_address(
    sentinels: &Sentinels,
    sentinel: &ConnectionInfo,
    timeouts: &AsyncConnectionConfig,
) -> RedisResult<ConnectionAddr> {
    let mut connection = client(sentinel)?
        .get_multiplexed_async_connection_with_config(timeouts)
        .await?;
    let question = [
        "SENTINEL",
        "GET-MASTER-ADDR-BY-NAME",
        &sentinels.master_name,
    ];
    let answer: Option<(String, u16)> = command(&question).query_async(&mut connection).await?;
    let (host, port) = answer.ok_or_else(unknown_master)?;
    Ok(if sentinels.has_tls {
        ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        }
    } else {
        ConnectionAddr::Tcp(host, port)
    })
}

fn unknown_master() -> RedisError {
    RedisError::from((
        ErrorKind::MasterNameNotFoundBySentinel,
        "no sentinel names a master that confirms its role",
    ))
}
