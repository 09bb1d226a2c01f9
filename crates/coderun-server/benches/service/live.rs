//! Measures the time from a program's write to the client's read, with the real binary and its sandbox.

use std::io;
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::comparison::Contender;
use crate::server::runtime;
use crate::support::{Launch, Service};

/// Prints the time repeatedly, with pauses longer than the interval of output events.
const PROGRAM: &str = "import time\nfor _ in range(100):\n    print(time.time_ns(), flush=True)\n    time.sleep(0.05)";

/// Runs the program in the real sandbox of this build, and prints the age of each line when it is read.
pub(crate) fn measure_live_output(_: &[Contender]) -> io::Result<()> {
    let service = Launch::new().start();
    let mut ages = runtime()?.block_on(watch(&service));
    ages.sort_unstable();
    println!("\nthe real service with its sandbox");
    println!(
        "from a program's write to its reader: median {:?}, 95 % within {:?}, at most {:?} ({} lines)",
        ages[ages.len() / 2],
        ages[ages.len() * 95 / 100],
        ages.last().expect("some lines"),
        ages.len()
    );
    Ok(())
}

async fn watch(service: &Service) -> Vec<Duration> {
    let token = service.token("bench");
    let program = json!({"code": PROGRAM, "language": "python"});
    let id = service.submit(&token, &program).await;
    let mut socket = service.watch_since(&token, &id, 0).await;
    let mut ages = Vec::new();
    while let Ok(message) = socket.next().await {
        let read_at = now();
        let text = message["data"]["text"].as_str().unwrap_or_default();
        let written_at = text.lines().filter_map(|line| line.parse::<u64>().ok());
        ages.extend(written_at.map(|at| read_at.saturating_sub(Duration::from_nanos(at))));
    }
    ages
}

#[expect(clippy::disallowed_methods, reason = "both ends read the same clock")]
fn now() -> Duration {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("a clock that is set")
}
