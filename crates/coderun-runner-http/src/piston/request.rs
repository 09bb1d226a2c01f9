//! What Piston is asked to do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use coderun_domain::{ByteSize, Submission};
use serde::Serialize;

use super::limits::SentLimits;
use super::runtimes::Runtime;

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

/// A request that is larger than Piston takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RequestTooLarge {
    pub(super) actual: ByteSize,
    pub(super) max: ByteSize,
}

/// What a request is made from.
#[derive(Clone, Copy)]
pub(super) struct Ordered<'a> {
    pub(super) submission: &'a Submission,
    pub(super) runtime: &'a Runtime,
    pub(super) entry_file: &'a str,
    pub(super) limits: &'a SentLimits,
}

/// Writes a request. Takes milliseconds where the submission is large.
pub(super) fn write(ordered: Ordered<'_>, max: ByteSize) -> Result<Bytes, RequestTooLarge> {
    let Ordered {
        submission,
        runtime,
        entry_file,
        limits,
    } = ordered;
    let execute = Execute {
        language: &runtime.language,
        version: &runtime.version,
        files: files(submission, entry_file),
        stdin: submission.input(),
        args: submission.args(),
        run_timeout: limits.run.wall_ms,
        compile_timeout: limits.compile.wall_ms,
        run_cpu_time: limits.run.cpu_ms,
        compile_cpu_time: limits.compile.cpu_ms,
        run_memory_limit: limits.run.memory_bytes,
        compile_memory_limit: limits.compile.memory_bytes,
    };
    // Only maps with keys that are no strings cannot be written, and there is none.
    let body = serde_json::to_vec(&execute).unwrap_or_default();
    let actual = ByteSize::of(&body);
    if actual > max {
        return Err(RequestTooLarge { actual, max });
    }
    Ok(body.into())
}

/// The code first, because the first text is what is run. All else is sent as bytes: Piston's build scripts take every
/// text for a source and rename it.
fn files<'a>(submission: &'a Submission, entry_file: &'a str) -> Vec<File<'a>> {
    let code = File {
        name: entry_file,
        content: submission.code().to_owned(),
        encoding: "utf8",
    };
    let others = submission.files().iter().map(|file| File {
        name: file.name().as_str(),
        content: STANDARD.encode(file.content()),
        encoding: "base64",
    });
    std::iter::once(code).chain(others).collect()
}

#[cfg(test)]
mod tests {
    use coderun_domain::{SubmissionDraft, testing};
    use serde_json::{Value, json};

    use super::*;
    use crate::piston::limits::Caps;

    fn written(draft: SubmissionDraft, max: ByteSize) -> Result<Bytes, RequestTooLarge> {
        let submission = testing::submission(testing::user("alice"), draft);
        let limits = SentLimits::new(submission.limits(), &Caps::default());
        let runtime = Runtime {
            language: "python".to_owned(),
            version: "3.12.0".to_owned(),
        };
        let ordered = Ordered {
            submission: &submission,
            runtime: &runtime,
            entry_file: "main.py",
            limits: &limits,
        };
        write(ordered, max)
    }

    #[test]
    fn everything_of_a_submission_is_in_the_request() {
        let draft = SubmissionDraft {
            code: "print('é\0')".to_owned(),
            args: vec!["-v".to_owned(), "two words".to_owned()],
            files: vec![("data/x.bin".to_owned(), Bytes::from_static(&[0xff, 0]))],
            ..testing::draft()
        };
        let body = written(draft, ByteSize::from_kib(100)).unwrap();
        let actual: Value = serde_json::from_slice(&body).unwrap();
        let expected = json!({
            "language": "python", "version": "3.12.0",
            "files": [
                {"name": "main.py", "content": "print('é\0')", "encoding": "utf8"},
                {"name": "data/x.bin", "content": "/wA=", "encoding": "base64"},
            ],
            "stdin": "the input", "args": ["-v", "two words"],
            "run_timeout": 15_000, "compile_timeout": 30_000,
            "run_cpu_time": 5000, "compile_cpu_time": 15_000,
            "run_memory_limit": 268_435_456, "compile_memory_limit": 1_073_741_824,
        });
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_request_may_be_as_large_as_the_limit_and_not_a_byte_larger() {
        let size = ByteSize::of(&written(testing::draft(), ByteSize::from_mib(1)).unwrap());
        assert!(written(testing::draft(), size).is_ok());
        let max = ByteSize::from_bytes(size.as_bytes() - 1);
        let refused = RequestTooLarge { actual: size, max };
        assert_eq!(written(testing::draft(), max), Err(refused));
    }

    #[test]
    fn it_is_the_encoded_size_that_counts() {
        let draft = SubmissionDraft {
            code: "\u{1}".repeat(20 * 1024),
            ..testing::draft()
        };
        assert!(written(draft, ByteSize::from_kib(100)).is_err());
    }
}
