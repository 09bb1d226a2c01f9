//! Builds the commands that run groups of steps.

use std::sync::Arc;

use bytes::Bytes;
use coderun_domain::Clock;
use coderun_record::micros;
use deadpool_redis::redis::Cmd;

use crate::layout::{Layout, Partition};
use crate::scripts::Scripts;
use crate::step::Script;

/// The number of arguments before the first step.
const OWN_ARGUMENTS: usize = 8;
/// About the size of these arguments.
const OWN_BYTES: usize = 512;

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
        steps: impl ExactSizeIterator<Item = (&'a Bytes, &'a Bytes)> + Clone,
    ) -> Cmd {
        let source = self.scripts.source(script);
        let bytes: usize = steps
            .clone()
            .map(|(header, blob)| header.len() + blob.len())
            .sum();
        let arguments = OWN_ARGUMENTS + 2 * steps.len();
        let mut command = Cmd::with_capacity(arguments, bytes + OWN_BYTES);
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
