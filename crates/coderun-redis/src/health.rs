//! Checks whether the server accepts writes, and whether its settings keep them.

use std::collections::BTreeSet;

use coderun_domain::{Diagnosis, Health, StoreError};
use deadpool_redis::redis::Value;
use futures_util::future::join_all;

use crate::adapter_error::AdapterError;
use crate::client::Client;
use crate::command::command;
use crate::layout::Partition;
use crate::layout_check::check_layout;
use crate::reply::text;
use crate::rights::check_rights;

/// The lifetime of the key that a probe writes, in seconds.
const PROBE_TTL: &str = "60";

/// `INFO` is not allowed, or a master does not answer.
const INFO_UNAVAILABLE: &str =
    "cannot check whether the server keeps its records: INFO failed or is not allowed";

/// Checks whether the server accepts records, and whether its settings keep them.
pub(crate) async fn store_health(client: &Client) -> Result<Health, AdapterError> {
    let mut remarks = write_remarks(client).await?;
    check_layout(client).await?;
    check_rights(client).await?;
    remarks.extend(durability_remarks(client).await);
    Ok(health(&remarks))
}

/// Checks whether the server accepts writes.
pub(crate) async fn write_health(client: &Client) -> Result<Health, AdapterError> {
    Ok(health(&write_remarks(client).await?))
}

/// Writes to every partition. The service goes on for the users of those that answer.
async fn write_remarks(client: &Client) -> Result<Vec<String>, AdapterError> {
    let probes = client.layout.partitions().map(|each| probe(client, each));
    let results = join_all(probes).await;
    let count = results.len();
    let mut errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    let failed = errors.len();
    match errors.pop() {
        None => Ok(Vec::new()),
        Some(error) if failed == count => Err(error),
        Some(error) => {
            let error = StoreError::from(error);
            let reason = Diagnosis::of(&error).map(|reason| format!(": {reason}"));
            let reason = reason.unwrap_or_default();
            let remark = format!("{failed} of {count} partitions cannot be written to{reason}");
            Ok(vec![remark])
        }
    }
}

async fn probe(client: &Client, partition: Partition) -> Result<(), AdapterError> {
    let key = format!("{}probe", client.layout.base(partition));
    let set = command(&["SET", &key, "1", "EX", PROBE_TTL]);
    // A submission waits for replicas too, so a missing replica must show here.
    client.transport.probe(&set).await?;
    Ok(())
}

/// Reads the settings from `INFO`, because managed services block `CONFIG`.
async fn durability_remarks(client: &Client) -> Vec<String> {
    let info = command(&["INFO"]);
    let Ok(answers) = client.transport.probe_every_master(&info).await else {
        return vec![INFO_UNAVAILABLE.to_owned()];
    };
    let remarks: BTreeSet<_> = answers.into_iter().flat_map(settings_remarks).collect();
    remarks.into_iter().collect()
}

fn health(remarks: &[String]) -> Health {
    if remarks.is_empty() {
        Health::Good
    } else {
        Health::limited(remarks.join("; "))
    }
}

fn settings_remarks(answer: Value) -> Vec<String> {
    let Ok(report) = text(answer) else {
        return vec![INFO_UNAVAILABLE.to_owned()];
    };
    let setting = |name: &str| {
        let mut values = report.lines().filter_map(|line| line.strip_prefix(name));
        values.next().unwrap_or("unknown")
    };
    let mut remarks = Vec::new();
    let policy = setting("maxmemory_policy:");
    if policy != "noeviction" {
        remarks.push(format!(
            "the server evicts records when its memory is full: maxmemory-policy is {policy}, set it to noeviction"
        ));
    }
    if setting("aof_enabled:") != "1" {
        remarks.push(
            "a restart of the server loses accepted executions: it keeps no append-only file, set appendonly to yes"
                .to_owned(),
        );
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_is_not_text_is_remarked_on() {
        assert_eq!(settings_remarks(Value::Nil).len(), 1);
    }
}
