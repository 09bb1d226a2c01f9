//! Which controls were really in force.

use coderun_domain::Enforcement;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(super) struct WireEnforcement<'a> {
    cpu: Option<&'a str>,
    memory: Option<&'a str>,
    processes: Option<&'a str>,
    network: Option<&'a str>,
    filesystem: Option<&'a str>,
    output: Option<&'a str>,
}

impl<'a> From<&'a Enforcement> for WireEnforcement<'a> {
    fn from(enforcement: &'a Enforcement) -> Self {
        let Enforcement {
            cpu,
            memory,
            processes,
            network,
            filesystem,
            output,
        } = enforcement;
        Self {
            cpu: cpu.as_deref(),
            memory: memory.as_deref(),
            processes: processes.as_deref(),
            network: network.as_deref(),
            filesystem: filesystem.as_deref(),
            output: output.as_deref(),
        }
    }
}
