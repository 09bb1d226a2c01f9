//! Makes small programs, each with a unique known output.

use serde_json::{Value, json};

/// A program and all that it writes.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) body: Value,
    pub(crate) output: String,
}

/// The program with this name: most of them write something, wait, and write again, so that a kill can hit them between.
pub(crate) fn program(name: &str, number: usize) -> Program {
    let pause = ["0", "0.3", "0", "0.8"][number % 4];
    let is_python = number % 5 == 4;
    let (language, code) = if is_python {
        let code = format!(
            "import time\nprint('{name} one', flush=True)\ntime.sleep({pause})\nprint('{name} two')\nprint('{name} three')"
        );
        ("python", code)
    } else {
        let code = format!("echo {name} one\nsleep {pause}\necho {name} two\necho {name} three");
        ("bash", code)
    };
    Program {
        body: json!({"code": code, "language": language}),
        output: format!("{name} one\n{name} two\n{name} three\n"),
    }
}

/// A program that runs for so many seconds.
pub(crate) fn long_program(seconds: u64) -> Program {
    let code = format!("echo begun\nsleep {seconds}\necho done");
    Program {
        body: json!({"code": code, "language": "bash", "limits": {"wall_time_ms": 60_000}}),
        output: "begun\ndone\n".to_owned(),
    }
}
