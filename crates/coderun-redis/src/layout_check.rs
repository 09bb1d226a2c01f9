//! Checks that all processes divide the users into the same number of partitions.

use std::time::Duration;

use deadpool_redis::redis::Value;

use crate::adapter_error::{AdapterError, LayoutError};
use crate::command::command;
use crate::layout::Layout;
use crate::reply::number;
use crate::transport::{Durability, Transport};

/// The lifetime of the stored number; every sweep renews it.
const TTL: Duration = Duration::from_hours(48);

/// Compares the number of partitions with the stored one. The first process stores it.
pub(crate) async fn check(transport: &Transport, layout: &Layout) -> Result<(), AdapterError> {
    let key = format!("{}partitions", layout.prefix());
    let (count, ttl) = (layout.count().to_string(), TTL.as_millis().to_string());
    let read = command(&["GETEX", &key, "PX", &ttl]);
    let store = command(&["SET", &key, &count, "NX", "PX", &ttl]);
    let mut found = transport.call(Durability::Master, &read).await?;
    if found == Value::Nil {
        transport.call(Durability::Master, &store).await?;
        found = transport.call(Durability::Master, &read).await?;
    }
    let (stored, configured) = (number(&found)?, layout.count());
    if stored == u64::from(configured) {
        Ok(())
    } else {
        Err(LayoutError::Partitions { stored, configured }.into())
    }
}
