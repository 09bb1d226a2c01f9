//! Reads the body of `/execute` and checks it against the configured limits.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coderun_domain::{
    Buffering, ByteSize, File, FileName, Language, Limits, StageLimits, StorageLimits, Submission,
    SubmissionParts, UserId,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{PistonLimits, Reply, Runtime};

/// Processes at a time.
const PROCESSES: u32 = 64;
/// Open files of a process.
const OPEN_FILES: u32 = 2048;
/// The size of a file. Piston's is 10 MB, but its runtimes are older: that of Elixir keeps its compiled code in a larger file.
const FILE_SIZE: ByteSize = ByteSize::from_mib(64);
/// All files of a program, on which Piston sets no limit.
const DISK: ByteSize = ByteSize::from_mib(256);
/// What the sandbox keeps beyond Piston's own cap, which is to be met first.
const OUTPUT_HEADROOM: ByteSize = ByteSize::from_mib(16);

/// A program that is in order.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) runtime: Runtime,
    pub(crate) submission: Arc<Submission>,
}

#[derive(Debug, Deserialize)]
struct ExecuteRequest {
    language: String,
    version: String,
    files: Vec<RequestFile>,
    #[serde(default)]
    stdin: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(flatten)]
    limits: Map<String, Value>,
}

#[derive(Debug, Deserialize)]
struct RequestFile {
    #[serde(default)]
    name: String,
    content: String,
    encoding: Option<String>,
}

impl Program {
    /// Reads a program.
    ///
    /// # Errors
    /// The answer with which Piston refuses it.
    pub(crate) fn read(
        body: &[u8],
        runtimes: &[Runtime],
        limits: &PistonLimits,
    ) -> Result<Self, Reply> {
        if body.len() > limits.body_limit_bytes {
            let stack = "PayloadTooLargeError: request entity too large";
            return Err(Reply::json(400, &json!({ "stack": stack })));
        }
        let request: ExecuteRequest =
            serde_json::from_slice(body).map_err(|error| refusal(&error))?;
        let (name, version) = (&request.language, &request.version);
        let runtime = Runtime::find(runtimes, name, version)
            .ok_or_else(|| refusal(&format!("{name}-{version} runtime is unknown")))?;
        let limits = run_limits(&request.limits, limits)?;
        let (code, files) = split_files(request.files)?;
        let submission = Submission::restore(SubmissionParts {
            user: UserId::parse("piston").map_err(unrunnable)?,
            language: Language::parse(runtime.sandbox_language()).map_err(unrunnable)?,
            version: None,
            // The sandbox takes no empty program, and a line feed is as empty in every language.
            code: if code.is_empty() {
                "\n".to_owned()
            } else {
                code
            },
            input: match request.stdin {
                text if text.ends_with('\n') => text,
                text => text + "\n",
            },
            args: request.args,
            files,
            limits,
            expected_output: None,
            interactive: false,
            // Piston's programs write to pipes that it does nothing about.
            buffering: Some(Buffering::Full),
            trace: None,
        });
        Ok(Self {
            runtime: runtime.clone(),
            submission: Arc::new(submission.map_err(unrunnable)?),
        })
    }
}

/// The code, which is the first text, and the other files.
fn split_files(files: Vec<RequestFile>) -> Result<(String, Vec<File>), Reply> {
    let mut code = None;
    let mut others = Vec::new();
    for file in files {
        let content = if file.encoding.as_deref() == Some("base64") {
            STANDARD
                .decode(file.content)
                .map_err(|error| refusal(&error))?
        } else if code.is_none() {
            code = Some(file.content);
            continue;
        } else {
            file.content.into_bytes()
        };
        let name = FileName::parse(&file.name).map_err(unrunnable)?;
        others.push(File::new(name, content));
    }
    let code = code.ok_or_else(|| refusal("files must include at least one utf8 encoded file"))?;
    Ok((code, others))
}

/// Reads the limits in Piston's order.
fn run_limits(asked: &Map<String, Value>, max: &PistonLimits) -> Result<Limits, Reply> {
    let limit = |name, max| limit(asked, name, max);
    let compile_memory = limit("compile_memory_limit", max.compile_memory_limit_bytes)?;
    let run_memory = limit("run_memory_limit", max.run_memory_limit_bytes)?;
    let compile_wall = limit("compile_timeout", max.compile_timeout_ms)?;
    let run_wall = limit("run_timeout", max.run_timeout_ms)?;
    let compile_cpu = limit("compile_cpu_time", max.compile_cpu_time_ms)?;
    let run_cpu = limit("run_cpu_time", max.run_cpu_time_ms)?;
    let stage = |cpu, wall, memory| {
        let (cpu, wall) = (Duration::from_millis(cpu), Duration::from_millis(wall));
        // Piston passes on thousands of bytes, which Isolate takes for KiB.
        StageLimits::new(cpu, wall, ByteSize::from_kib(memory / 1000), PROCESSES)
    };
    let output = ByteSize::from_bytes(max.output_max_size_bytes as u64);
    let output = output.saturating_add(OUTPUT_HEADROOM);
    Ok(Limits {
        run: stage(run_cpu, run_wall, run_memory).map_err(|error| refusal(&error))?,
        compile: stage(compile_cpu, compile_wall, compile_memory)
            .map_err(|error| refusal(&error))?,
        storage: StorageLimits::new(output, FILE_SIZE, DISK, OPEN_FILES)
            .map_err(|error| refusal(&error))?,
    })
}

/// One limit: what is asked for, or the configured one.
fn limit(asked: &Map<String, Value>, name: &str, max: u64) -> Result<u64, Reply> {
    let Some(value) = asked.get(name).filter(|value| !value.is_null()) else {
        return Ok(max);
    };
    let asked = value
        .as_u64()
        .ok_or_else(|| refusal(&format!("If specified, {name} must be a number")))?;
    if asked > max {
        let message = format!("{name} cannot exceed the configured limit of {max}");
        return Err(refusal(&message));
    }
    Ok(if asked == 0 { max } else { asked })
}

/// The answer to a program that the sandbox does not take.
fn unrunnable<E>(_: E) -> Reply {
    Reply::status(500)
}

fn refusal(message: &(impl ToString + ?Sized)) -> Reply {
    Reply::message(400, &message.to_string())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// A program in Python with these fields changed.
    fn read(changes: &Value) -> Result<Program, Reply> {
        let mut body = json!({"language": "py", "version": "*", "files": [{"content": "pass"}]});
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        let body = body.to_string();
        Program::read(body.as_bytes(), &Runtime::stock(), &PistonLimits::STOCK)
    }

    #[rstest]
    #[case::runtime(json!({"language": "perl"}), "perl-* runtime is unknown")]
    #[case::too_high(
        json!({"run_timeout": 3001}),
        "run_timeout cannot exceed the configured limit of 3000"
    )]
    #[case::no_number(
        json!({"compile_cpu_time": "1"}),
        "If specified, compile_cpu_time must be a number"
    )]
    #[case::no_text(
        json!({"files": [{"name": "x", "content": "", "encoding": "base64"}]}),
        "files must include at least one utf8 encoded file"
    )]
    fn what_is_not_in_order_is_refused(#[case] changes: Value, #[case] message: &str) {
        assert_eq!(read(&changes).unwrap_err(), refusal(message));
    }

    #[test]
    fn a_body_may_have_the_limit_and_not_a_byte_more() {
        let limits = |body_limit_bytes| PistonLimits {
            body_limit_bytes,
            ..PistonLimits::STOCK
        };
        let body = br#"{"language":"c","version":"*","files":[{"content":""}]}"#;
        let read = |limit| Program::read(body, &Runtime::stock(), &limits(limit));
        assert!(read(body.len()).is_ok());
        let stack = json!({"stack": "PayloadTooLargeError: request entity too large"});
        assert_eq!(read(body.len() - 1).unwrap_err(), Reply::json(400, &stack));
    }

    #[test]
    fn limits_are_those_asked_for_or_the_configured_ones() {
        let asked = json!({"run_timeout": 700, "run_cpu_time": 0, "run_memory_limit": 64_000_000});
        let run = read(&asked).unwrap().submission.limits().run;
        assert_eq!(run.wall_time(), Duration::from_millis(700));
        assert_eq!(run.cpu_time(), Duration::from_secs(3));
        assert_eq!(run.memory(), ByteSize::from_kib(64_000));
    }

    #[test]
    fn the_first_text_is_the_code_and_stdin_ends_with_a_line_feed() {
        let files = json!([
            {"name": "raw", "content": "AAE=", "encoding": "base64"},
            {"content": "print(1)"},
            {"name": "b.py", "content": "x"},
        ]);
        let program = read(&json!({"files": files, "stdin": "7"})).unwrap();
        let submission = &program.submission;
        assert_eq!((submission.code(), submission.input()), ("print(1)", "7\n"));
        let files = submission.files().iter();
        let files: Vec<_> = files
            .map(|file| (file.name().as_str(), &file.content()[..]))
            .collect();
        assert_eq!(files, [("raw", &[0, 1][..]), ("b.py", b"x")]);
    }
}
