//! Finds out how much Piston keeps of a stream: by one tiny program, because nothing else tells.
//!
//! Piston drops a piece that does not fit whole, and kills the program for it. So the program writes smaller pieces first,
//! and pauses, lest they are read together: what is kept is at most a fifth below the cap, and exactly it where the cap is a
//! power of two.

use bytes::Bytes;
use coderun_domain::ByteSize;
use serde_json::json;

use super::limits::{Cap, Caps};
use super::response::Executed;
use super::runtimes::Runtime;

/// Whatever is kept of more than this is as good as no cap.
const WRITTEN_BYTES: u64 = 4 << 20;

/// How long the program may run.
const TIMEOUT_MS: u64 = 3000;

const PYTHON: &str = "\
import os, time
total, written = 64, 0
while total <= 4 << 20:
    for part in range(4):
        upto = min(total + total * part // 4, 4 << 20)
        os.write(1, b'x' * (upto - written))
        written = upto
        time.sleep(0.005)
    total *= 2
";

const JAVASCRIPT: &str = "\
const fs = require('fs');
const pause = new Int32Array(new SharedArrayBuffer(4));
let written = 0;
for (let total = 64; total <= 4 << 20; total *= 2) {
    for (let part = 0; part < 4; part++) {
        const upto = Math.min(total + total * part / 4, 4 << 20);
        if (upto > written) fs.writeSync(1, 'x'.repeat(upto - written));
        written = upto;
        Atomics.wait(pause, 0, 0, 5);
    }
}
";

/// The languages that the program exists in.
pub(super) const LANGUAGES: [(&str, &str); 2] = [("python", PYTHON), ("javascript", JAVASCRIPT)];

/// The request that runs the program.
pub(super) fn request(runtime: &Runtime, caps: &Caps, program: &str) -> Bytes {
    let limit = |cap| match cap {
        Cap::At(max) => TIMEOUT_MS.min(max),
        Cap::Unknown | Cap::None => TIMEOUT_MS,
    };
    let request = json!({
        "language": runtime.language,
        "version": runtime.version,
        "files": [{"name": "main", "content": program}],
        "stdin": "",
        "run_timeout": limit(caps.run_timeout),
        "run_cpu_time": limit(caps.run_cpu_time),
    });
    Bytes::from(request.to_string())
}

/// What the program shows; `None` where it shows nothing.
pub(super) fn shown_by(executed: &Executed) -> Option<ByteSize> {
    let run = &executed.run;
    let kept = u64::try_from(run.stdout.len()).ok()?;
    let is_whole = run.stdout.bytes().all(|byte| byte == b'x');
    let is_cut = run.status.as_deref() == Some("OL");
    let is_all = kept == WRITTEN_BYTES && run.code == Some(0);
    (is_whole && kept > 0 && (is_cut || is_all)).then_some(ByteSize::from_bytes(kept))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::Value;

    use super::super::response::read;
    use super::*;

    #[rstest]
    #[case::cut(json!({"stdout": "x".repeat(1024), "status": "OL"}), Some(1024))]
    #[case::all(json!({"stdout": "x".repeat(4 << 20), "code": 0}), Some(4 << 20))]
    #[case::nothing(json!({"stdout": "", "status": "OL"}), None)]
    #[case::failed(json!({"stdout": "x".repeat(64), "code": 1, "status": "RE"}), None)]
    #[case::killed(json!({"stdout": "x".repeat(64), "status": "TO"}), None)]
    #[case::foreign(json!({"stdout": "hello", "status": "OL"}), None)]
    fn only_what_was_cut_or_all_of_it_shows_the_cap(
        #[case] run: Value,
        #[case] expected: Option<u64>,
    ) {
        let mut answer = json!({"run": run, "language": "python", "version": "3.12.0"});
        answer["run"]["stderr"] = json!("");
        let executed = read(answer.to_string().as_bytes()).ok().unwrap();
        assert_eq!(shown_by(&executed), expected.map(ByteSize::from_bytes));
    }

    #[test]
    fn the_program_asks_for_no_more_time_than_there_is() {
        let caps = Caps {
            run_timeout: Cap::At(1000),
            ..Caps::default()
        };
        let runtime = Runtime {
            language: "python".to_owned(),
            version: "3.12.0".to_owned(),
        };
        let request: Value = serde_json::from_slice(&request(&runtime, &caps, PYTHON)).unwrap();
        assert_eq!(request["run_timeout"], 1000);
        assert_eq!(request["run_cpu_time"], 3000);
    }
}
