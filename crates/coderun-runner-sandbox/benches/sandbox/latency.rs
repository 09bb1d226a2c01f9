//! Measures how soon a client hears of a running program, in milliseconds.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_conformance::code_runner::Program;
use coderun_domain::{InputWanted, OutputStream, RunInput, RunIo};
use coderun_runner_sandbox::SandboxRunner;
use rustix::time::{ClockId, clock_gettime};

use super::Failure;

pub(super) async fn measure(runner: &SandboxRunner, times: usize) -> Result<(), Failure> {
    let code = format!(
        "import time\nfor _ in range({times}): print(time.time_ns()); input(); time.sleep(0.003)"
    );
    let mut listener = Listener::default();
    let program = Program::new("python", &code).interactive();
    program.run_with(runner, &mut listener).await?;
    print_row("from a write to `output`", &mut listener.output_delays);
    print_row("from a read to `awaiting_input`", &mut listener.wait_delays);
    Ok(())
}

/// Compares the time at which a program wrote or began to read, which it writes itself, with the time at which the client
/// hears of it. Answers at once.
#[derive(Default)]
struct Listener {
    written_at: Duration,
    output_delays: Vec<Duration>,
    wait_delays: Vec<Duration>,
    is_awaited: bool,
}

#[async_trait]
impl RunIo for Listener {
    async fn output(&mut self, _stream: OutputStream, bytes: Bytes) {
        let text = String::from_utf8_lossy(&bytes);
        if let Ok(nanos) = text.trim().parse() {
            self.written_at = Duration::from_nanos(nanos);
            self.output_delays
                .push(now().saturating_sub(self.written_at));
        }
    }

    fn mark_truncated(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, _wanted: InputWanted) -> RunInput {
        if !self.is_awaited {
            std::future::pending::<()>().await;
        }
        self.is_awaited = false;
        RunInput::Data(Bytes::from_static(b"\n"))
    }

    async fn awaiting_input(&mut self) {
        self.wait_delays.push(now().saturating_sub(self.written_at));
        self.is_awaited = true;
    }
}

/// By the only clock that programs in a sandbox share.
fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Realtime)).unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "a table is what this program is for")]
fn print_row(name: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |part: usize| {
        let time = times.get(times.len() * part / 100).copied();
        time.unwrap_or_default().as_secs_f64() * 1e3
    };
    println!("{name:32} median {:>6.2}  95% {:>6.2}", at(50), at(95));
}
