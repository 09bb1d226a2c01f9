//! Measures by how much programs exceed a memory limit that no control group keeps, as the look finds it that ends them.

use std::path::PathBuf;

use coderun_conformance::code_runner::Program;
use coderun_domain::{ByteSize, Verdict};
use coderun_runner_sandbox::{ControlGroups, SandboxConfig, SandboxRunner};

use super::Failure;

const LIMIT: ByteSize = ByteSize::from_mib(256);

/// Programs that take memory as fast as they can, each in a way of its own.
const HOGS: [(&str, &str, &str); 3] = [
    (
        "one process",
        "c",
        "#include <stdlib.h>\n#include <string.h>\n\
         int main(void) { for (;;) memset(malloc(1 << 20), 1, 1 << 20); }",
    ),
    (
        "eight processes",
        "c",
        "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\
         int main(void) { fork(); fork(); fork(); for (;;) memset(malloc(1 << 20), 1, 1 << 20); }",
    ),
    (
        "Python, one block",
        "python",
        "kept = bytearray(2 << 30)\nfor i in range(0, len(kept), 4096): kept[i] = 1",
    ),
];

pub(super) async fn measure(launcher: PathBuf, times: usize) -> Result<(), Failure> {
    let runner = SandboxRunner::start(SandboxConfig {
        launcher,
        control_groups: ControlGroups::Never,
        ..SandboxConfig::default()
    })
    .await?;
    for (name, language, code) in HOGS {
        let mut beyond = Vec::new();
        for _ in 0..times {
            let program = Program {
                memory: LIMIT,
                ..Program::new(language, code)
            };
            let report = program.run_on(&runner).await?.report;
            if report.verdict != Verdict::MemoryLimit {
                return Err(format!("{name}: {}", report.verdict).into());
            }
            let memory = report.usage.memory.map_or(0, ByteSize::as_bytes);
            beyond.push(memory.saturating_sub(LIMIT.as_bytes()) >> 20);
        }
        print_row(name, &mut beyond);
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a table is what this program is for")]
fn print_row(name: &str, beyond: &mut [u64]) {
    beyond.sort_unstable();
    let median = beyond.get(beyond.len() / 2).copied().unwrap_or_default();
    let most = beyond.last().copied().unwrap_or_default();
    println!("{name:20} beyond {LIMIT}: median {median:>4} MiB, most {most:>4} MiB");
}
