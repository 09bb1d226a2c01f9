//! Builds the commands that run groups of steps.

use std::sync::Arc;

use bytes::Bytes;
use coderun_domain::Clock;
use coderun_record::micros;
use deadpool_redis::redis::Cmd;

use crate::layout::{Layout, Partition};
use crate::scripts::Scripts;
use crate::step::Script;

/// The scripts, and what every group tells them.
pub(crate) struct GroupScripts {
    pub(crate) scripts: Scripts,
    pub(crate) layout: Layout,
    pub(crate) clock: Arc<dyn Clock>,
    /// The bounds of the store policy, encoded.
    pub(crate) policy: Bytes,
}

impl GroupScripts {
    /// Builds the command that runs these headers and blobs. A script that the server does not know is sent in full.
    pub(super) fn command<'a>(
        &self,
        partition: Partition,
        script: Script,
        is_known: bool,
        steps: impl Iterator<Item = (&'a Bytes, &'a Bytes)>,
    ) -> Cmd {
        let source = self.scripts.source(script);
        let mut command = Cmd::new();
        if is_known {
            command.arg("EVALSHA").arg(&source.hash);
        } else {
            command.arg("EVAL").arg(source.text);
        }
        command
            .arg(1)
            .arg(self.layout.live_key(partition))
            .arg(self.layout.base(partition))
            .arg(self.layout.prefix())
            .arg(micros(self.clock.now()))
            .arg(&self.policy[..]);
        for (header, blob) in steps {
            command.arg(&header[..]).arg(&blob[..]);
        }
        command
    }
}
