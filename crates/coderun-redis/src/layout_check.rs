//! Checks that all processes divide the users into the same number of partitions.

use std::time::Duration;

use deadpool_redis::redis::Value;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::reply::{UnexpectedReply, text};

/// The lifetime of the stored number; every sweep renews it.
const TTL: Duration = Duration::from_hours(48);

/// Compares the number of partitions with the stored one. The first process stores it.
pub(crate) async fn check_layout(client: &Client) -> Result<(), AdapterError> {
    let key = format!("{}partitions", client.layout.prefix());
    let configured = client.layout.count();
    let (count, ttl) = (configured.to_string(), TTL.as_millis().to_string());
    let read = command(&["GETEX", &key, "PX", &ttl]);
    let mut found = client.transport.call(&read).await?;
    if found == Value::Nil {
        let store = command(&["SET", &key, &count, "NX", "PX", &ttl]);
        client.transport.call(&store).await?;
        found = client.transport.call(&read).await?;
    }
    let stored = text(found)?.parse().map_err(|_| UnexpectedReply)?;
    if stored == u64::from(configured) {
        Ok(())
    } else {
        Err(AdapterError::Partitions { stored, configured })
    }
}
