//! Sees to it that all processes have laid out their keys alike.

use std::time::Duration;

use deadpool_redis::redis::{Cmd, Value};

use crate::adapter_error::{AdapterError, LayoutError};
use crate::layout::Layout;
use crate::reply::number;
use crate::shared_connections::SharedConnections;

/// Every sweep renews the note: it goes when no process has been there for so long.
const NOTE_TTL: Duration = Duration::from_hours(48);

/// Compares the number of partitions with that of the others; whoever comes first notes theirs.
pub(crate) async fn check(lanes: &SharedConnections, layout: &Layout) -> Result<(), AdapterError> {
    let key = format!("{}partitions", layout.prefix());
    let ttl = i64::try_from(NOTE_TTL.as_millis()).unwrap_or(i64::MAX);
    let here = layout.count();
    let note = command(
        "SET",
        &[&key, &here.to_string(), "NX", "PX", &ttl.to_string()],
    );
    let read = command("GETEX", &[&key, "PX", &ttl.to_string()]);
    let mut found = lanes.ask(|_| read.clone()).await?;
    if found == Value::Nil {
        lanes.ask(|_| note.clone()).await?;
        found = lanes.ask(|_| read.clone()).await?;
    }
    let there = number(&found)?;
    if there == u64::from(here) {
        Ok(())
    } else {
        Err(LayoutError::Partitions { there, here }.into())
    }
}

fn command(name: &str, arguments: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    command.arg(name).arg(arguments);
    command
}
