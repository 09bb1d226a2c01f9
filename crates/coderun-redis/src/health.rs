//! How well the server is: whether it takes writes, and whether it will keep them.

use std::collections::HashMap;

use coderun_domain::Health;
use deadpool_redis::redis::{Cmd, Value};
use futures_util::future::join_all;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::reply::text;

/// Seconds that the key lives which a probe writes.
const PROBE_TTL: u32 = 60;

/// Where `INFO` is not allowed, or not every master answers.
const SILENT: &str = "the server does not say how it keeps records (INFO)";

impl RedisBackend {
    /// Whether records would be accepted, and what an operator should know about how they are kept.
    pub(crate) async fn store_health(&self) -> Result<Health, AdapterError> {
        let mut remarks = self.write_remarks().await?;
        remarks.extend(self.keeping_remarks().await);
        Ok(health(&remarks))
    }

    /// Whether anything can be written.
    pub(crate) async fn write_health(&self) -> Result<Health, AdapterError> {
        Ok(health(&self.write_remarks().await?))
    }

    /// Writes to every partition. One that answers is enough to go on, for those whose records are there.
    async fn write_remarks(&self) -> Result<Vec<String>, AdapterError> {
        let probes = self.layout().partitions().map(|each| self.probe(each));
        let (_, failures): (Vec<_>, Vec<_>) =
            join_all(probes).await.into_iter().partition(Result::is_ok);
        let (failed, count) = (failures.len(), usize::from(self.layout().count()));
        match failures.into_iter().find_map(Result::err) {
            None => Ok(Vec::new()),
            Some(failure) if failed == count => Err(failure),
            Some(_) => Ok(vec![format!(
                "{failed} of {count} partitions cannot be written to"
            )]),
        }
    }

    async fn probe(&self, partition: Partition) -> Result<(), AdapterError> {
        let mut command = Cmd::new();
        let key = format!("{}probe", self.layout().base(partition));
        command.arg("SET").arg(key).arg(1).arg("EX").arg(PROBE_TTL);
        // What is accepted goes this way, so that a replica that is waited for in vain shows here, too.
        self.ask_for_good(&command).await?;
        Ok(())
    }

    /// What `INFO` says about how records are kept; `CONFIG` is blocked on managed services.
    async fn keeping_remarks(&self) -> Vec<String> {
        let mut command = Cmd::new();
        command.arg("INFO");
        let Ok(answers) = self.lanes().ask_every_node(&command).await else {
            return vec![SILENT.to_owned()];
        };
        let mut remarks = Vec::new();
        for remark in answers.into_iter().flat_map(remarks_of) {
            if !remarks.contains(&remark) {
                remarks.push(remark);
            }
        }
        remarks
    }
}

fn health(remarks: &[String]) -> Health {
    if remarks.is_empty() {
        Health::Good
    } else {
        Health::limited(remarks.join("; "))
    }
}

fn remarks_of(answer: Value) -> Vec<String> {
    let Ok(report) = text(answer) else {
        return vec![SILENT.to_owned()];
    };
    let facts: HashMap<&str, &str> = report
        .lines()
        .filter_map(|line| line.trim_end().split_once(':'))
        .collect();
    let fact = |name: &str| facts.get(name).copied().unwrap_or("unknown");
    let mut remarks = Vec::new();
    let policy = fact("maxmemory_policy");
    if policy != "noeviction" {
        remarks.push(format!(
            "records may vanish when the server's memory is full: maxmemory-policy is {policy}, not noeviction"
        ));
    }
    if fact("aof_enabled") != "1" {
        remarks.push(
            "what was accepted is lost when the server restarts: it keeps no append-only file (appendonly yes)"
                .to_owned(),
        );
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remarks(report: &str) -> Vec<String> {
        remarks_of(Value::BulkString(report.as_bytes().to_vec()))
    }

    #[test]
    fn a_server_that_keeps_everything_gets_no_remark() {
        let report =
            "# Memory\r\nmaxmemory_policy:noeviction\r\n\r\n# Persistence\r\naof_enabled:1\r\n";
        assert_eq!(remarks(report), Vec::<String>::new());
    }

    #[test]
    fn eviction_and_a_missing_file_are_remarked_on() {
        let report = "maxmemory_policy:allkeys-lru\r\naof_enabled:0\r\n";
        let remarks = remarks(report);
        assert!(remarks[0].contains("allkeys-lru"), "{remarks:?}");
        assert!(remarks[1].contains("append-only"), "{remarks:?}");
    }

    #[test]
    fn a_server_that_does_not_tell_is_remarked_on() {
        assert_eq!(remarks_of(Value::Nil).len(), 1);
    }
}
