//! Counts how often watchers see the two output streams in another order than the program wrote them.

use std::io;

use serde_json::{Value, json};

use crate::comparison::Contender;
use crate::server::runtime;
use crate::support::{Launch, Service};

/// Runs of each program.
const RUNS: usize = 200;

/// Writes to both streams in turn, a millisecond apart.
const IN_TURN: &str = r#"
#include <stdio.h>
#include <unistd.h>
int main(void) {
    setbuf(stdout, NULL);
    for (int i = 0; i < 3; i++) {
        printf("out %d\n", i);
        usleep(1000);
        fprintf(stderr, "err %d\n", i);
        usleep(1000);
    }
}
"#;
const IN_TURN_LINES: [&str; 6] = ["out 0", "err 0", "out 1", "err 1", "out 2", "err 2"];

/// Prints a line and fails at once.
const FAILING: &str = "print('before')\nint('x')\n";
const FAILING_LINES: [&str; 4] = [
    "before",
    "Traceback (most recent call last):",
    "  File \"/box/main.py\", line 2, in <module>",
    "    int('x')",
];

/// Runs both programs in the real sandbox, each watched over a WebSocket.
pub(crate) fn measure_order(contenders: &[Contender]) -> io::Result<()> {
    println!("\nruns of {RUNS} whose two output streams came out of order");
    for (name, language, code, expected) in [
        ("C, 1 ms between writes", "c", IN_TURN, &IN_TURN_LINES[..]),
        ("Python, a traceback", "python", FAILING, &FAILING_LINES),
    ] {
        println!("{name}");
        let program = json!({"code": code, "language": language});
        for contender in contenders {
            let launch = Launch::new().program(contender.program.clone());
            let service = launch.with("USER_SUBMITS_PER_MINUTE", "0").start();
            let wrong = runtime()?.block_on(count_disordered(&service, &program, expected));
            println!("  {:10} {wrong:>4}", contender.name);
        }
    }
    Ok(())
}

async fn count_disordered(service: &Service, program: &Value, expected: &[&str]) -> usize {
    let token = service.token("bench");
    let mut wrong = 0;
    for _ in 0..RUNS {
        let id = service.submit(&token, program).await;
        let mut socket = service.watch_since(&token, &id, 0).await;
        let mut written = String::new();
        while let Ok(message) = socket.next().await {
            written.push_str(message["data"]["text"].as_str().unwrap_or_default());
        }
        let lines = written.lines().take(expected.len());
        wrong += usize::from(!lines.eq(expected.iter().copied()));
    }
    wrong
}
