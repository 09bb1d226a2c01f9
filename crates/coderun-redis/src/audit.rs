//! Audits live executions and the counts of users, some of them a minute.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::RedisBackend;
use crate::adapter_error::AdapterError;
use crate::layout::Partition;
use crate::step::Step;

/// The number of executions and of users that one audit of a partition checks, about.
const BATCH: u64 = 100;
const INTERVAL: Duration = Duration::from_mins(1);

/// Where the audits of this process continue, by partition.
#[derive(Debug, Default)]
pub(crate) struct AuditState(Mutex<HashMap<usize, AuditPosition>>);

#[derive(Debug, Clone)]
struct AuditPosition {
    audited_at: OffsetDateTime,
    live: String,
    users: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum AuditAnswer {
    Audited(String, String, u64),
}

impl AuditState {
    /// Where the next audit starts, if one is due.
    fn start(&self, partition: Partition, now: OffsetDateTime) -> Option<(String, String)> {
        let start = || "0".to_owned();
        let mut positions = self.0.lock();
        let position = positions
            .entry(partition.index())
            .or_insert_with(|| AuditPosition {
                audited_at: OffsetDateTime::UNIX_EPOCH,
                live: start(),
                users: start(),
            });
        if now - position.audited_at < INTERVAL {
            return None;
        }
        position.audited_at = now;
        Some((position.live.clone(), position.users.clone()))
    }

    fn continue_at(&self, partition: Partition, live: String, users: String) {
        if let Some(position) = self.0.lock().get_mut(&partition.index()) {
            (position.live, position.users) = (live, users);
        }
    }
}

impl RedisBackend {
    /// Audits a part of a partition, if that is due.
    pub(crate) async fn audit(&self, partition: Partition) -> Result<(), AdapterError> {
        let state = &self.shared.audit_state;
        let Some((live, users)) = state.start(partition, self.now()) else {
            return Ok(());
        };
        let step = Step::new(&("audit", (), (), live, users, BATCH))?;
        let reply = self.run_rare_in(partition, step).await?;
        let AuditAnswer::Audited(live, users, repaired) = reply.decode()?;
        state.continue_at(partition, live, users);
        self.report_repairs(partition, repaired);
        Ok(())
    }
}
