//! Asks a tool something by running it, within bounds.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// The longest that a tool may take to print its version or place.
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes that are read of each output of a tool.
const PRINTED_MAX: u64 = 64 * 1024;

/// Runs the tool and returns what it prints, on stderr if nothing else; `None` if it fails or takes too long.
pub(super) async fn ask(mut tool: Command, input: &str) -> Option<String> {
    let tool = tool
        .stdin(if input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut tool = ToolProcess(tool);
    let stdin = tool.0.stdin.take();
    let (stdout, stderr) = (tool.0.stdout.take()?, tool.0.stderr.take()?);
    let answer = async {
        if let Some(mut stdin) = stdin {
            stdin.write_all(input.as_bytes()).await?;
        }
        let printed = tokio::try_join!(read_start(stdout), read_start(stderr))?;
        std::io::Result::Ok((printed, tool.0.wait().await?))
    };
    let answer = timeout(DISCOVERY_TIMEOUT, answer).await;
    drop(tool);
    let ((stdout, stderr), status) = answer.ok()?.ok()?;
    let printed = [stdout, stderr].map(|bytes| String::from_utf8(bytes).ok());
    let mut printed = printed.iter().flatten().map(|text| text.trim());
    let printed = printed.find(|text| !text.is_empty())?;
    status.success().then(|| printed.to_owned())
}

/// A tool that is asked something. If it has not ended when this is dropped, it is killed with all that it started.
struct ToolProcess(Child);

impl Drop for ToolProcess {
    fn drop(&mut self) {
        if let Some(group) = self.0.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            // An error means that all of them have ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Reads an output and closes it, so that a tool that prints too much fails.
async fn read_start(output: impl AsyncRead + Unpin) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    output.take(PRINTED_MAX).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
