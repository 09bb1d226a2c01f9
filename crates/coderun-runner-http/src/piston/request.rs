//! Writes the request that runs a program.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coderun_domain::Submission;
use serde::Serialize;

use super::limits::{bytes, millis};
use crate::api::Program;

/// The body of `/execute`.
#[derive(Serialize)]
struct Execute<'a> {
    language: &'a str,
    version: &'a str,
    files: Vec<File<'a>>,
    stdin: &'a str,
    args: &'a [String],
    run_timeout: u64,
    compile_timeout: u64,
    run_cpu_time: u64,
    compile_cpu_time: u64,
    run_memory_limit: u64,
    compile_memory_limit: u64,
}

#[derive(Serialize)]
struct File<'a> {
    name: &'a str,
    content: String,
    encoding: &'static str,
}

/// Writes a request. Takes milliseconds if the submission is large.
pub(super) fn write(program: &Program) -> Vec<u8> {
    let Program {
        submission,
        runtime,
        entry_file,
        limits,
    } = program;
    let execute = Execute {
        language: &runtime.language,
        version: &runtime.version,
        files: files(submission, entry_file),
        stdin: submission.input(),
        args: submission.args(),
        run_timeout: millis(limits.run.wall_time()),
        compile_timeout: millis(limits.compile.wall_time()),
        run_cpu_time: millis(limits.run.cpu_time()),
        compile_cpu_time: millis(limits.compile.cpu_time()),
        run_memory_limit: bytes(limits.run.memory()),
        compile_memory_limit: bytes(limits.compile.memory()),
    };
    // Serialization fails for maps alone whose keys are not strings, and there is none.
    serde_json::to_vec(&execute).unwrap_or_default()
}

/// The size of a request, roughly.
pub(super) fn rough_bytes(submission: &Submission) -> usize {
    let files = submission.files().iter().map(|file| file.content().len());
    submission.code().len() + submission.input().len() + files.sum::<usize>()
}

/// The code comes first, because Piston runs the first text. All else is sent as bytes: Piston's build scripts take every
/// text for a source file and rename it.
fn files<'a>(submission: &'a Submission, entry_file: &'a str) -> Vec<File<'a>> {
    let code = File {
        name: entry_file,
        content: submission.source_text().into_owned(),
        encoding: "utf8",
    };
    let others = submission.source_files(entry_file);
    let others = others.map(|(name, content)| File {
        name: name.as_str(),
        content: STANDARD.encode(content),
        encoding: "base64",
    });
    std::iter::once(code).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use coderun_domain::{DraftFile, SubmissionDraft, testing};
    use serde_json::{Value, json};

    use super::*;
    use crate::catalog::Runtime;

    #[test]
    fn a_request_has_everything_of_a_submission() {
        let draft = SubmissionDraft {
            code: "\u{feff}print('é\0')\r\n".to_owned(),
            args: vec!["-v".to_owned(), "two words".to_owned()],
            files: vec![
                DraftFile::new("data/x.bin", [0xff, 0].as_slice()),
                DraftFile::new("x.py", "1\r\n"),
            ],
            ..testing::draft()
        };
        let submission = testing::submission(testing::user("alice"), draft);
        let body = write(&Program {
            limits: *submission.limits(),
            submission: Arc::new(submission),
            runtime: Runtime {
                language: "python".to_owned(),
                version: "3.12.0".to_owned(),
            },
            entry_file: "main.py".to_owned(),
        });
        let actual: Value = serde_json::from_slice(&body).unwrap();
        let expected = json!({
            "language": "python", "version": "3.12.0",
            "files": [
                {"name": "main.py", "content": "print('é\0')\n", "encoding": "utf8"},
                {"name": "data/x.bin", "content": "/wA=", "encoding": "base64"},
                {"name": "x.py", "content": "MQo=", "encoding": "base64"},
            ],
            "stdin": "the input", "args": ["-v", "two words"],
            "run_timeout": 15_000, "compile_timeout": 30_000,
            "run_cpu_time": 5000, "compile_cpu_time": 15_000,
            "run_memory_limit": 268_435_456, "compile_memory_limit": 1_073_741_824,
        });
        assert_eq!(actual, expected);
    }
}
