//! What the sandbox costs: ratios to a bare start of the same program, interleaved, medians.
//!
//! Prints one line a program. `cargo bench -p coderun-runner-sandbox`; an argument that is a number says how often.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::{
    Attempt, CodeRunner, InputWanted, LanguageCatalog, OutputStream, RunInput, RunIo, RunRequest,
    Submission, SubmissionDraft, testing,
};
use coderun_runner_sandbox::{SandboxConfig, SandboxRunner};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let times = std::env::args().find_map(|argument| argument.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(compare_all(times.unwrap_or(100)))
}

async fn compare_all(times: usize) -> Result<(), Failure> {
    let runner = SandboxRunner::start(SandboxConfig {
        launcher: PathBuf::from(env!("CARGO_BIN_EXE_coderun-sandbox-launcher")),
        ..SandboxConfig::default()
    })
    .await?;
    print_head();
    let python = python(&runner)?;
    let bare = || start(&["/bin/true"]);
    let (bare, boxed) = interleaved(times, bare, async || runner.check().await).await?;
    print_row("/bin/true", bare, boxed, 4.0);
    let hello = request(&runner, "python", "print('hello')")?;
    let bare = || start(&[&python, "-c", "print('hello')"]);
    let boxed = async || runner.run(hello.clone(), &mut Nobody).await.map(drop);
    let (bare, boxed) = interleaved(times, bare, boxed).await?;
    print_row("python hello", bare, boxed, 1.2);
    Ok(())
}

/// The interpreter that the sandbox uses, so that both sides start the same one.
fn python(runner: &SandboxRunner) -> Result<String, Failure> {
    let languages = runner.languages();
    let spec = languages.iter().find(|it| it.language.as_str() == "python");
    let version = spec.and_then(|spec| spec.versions.first());
    let short: Vec<&str> = version
        .ok_or("there is no python")?
        .split('.')
        .take(2)
        .collect();
    Ok(format!("/usr/bin/python{}", short.join(".")))
}

/// Measures both sides in turn, so that what else the machine does hits both; answers the medians.
async fn interleaved<B, S>(
    times: usize,
    bare: B,
    sandboxed: S,
) -> Result<(Duration, Duration), Failure>
where
    B: Fn() -> std::io::Result<()>,
    S: AsyncFn() -> Result<(), coderun_domain::RunnerError>,
{
    let (mut bares, mut boxes) = (Vec::new(), Vec::new());
    for round in 0..times + WARM_UP {
        let started = Instant::now();
        bare()?;
        let bare_took = started.elapsed();
        let started = Instant::now();
        sandboxed().await?;
        if round >= WARM_UP {
            bares.push(bare_took);
            boxes.push(started.elapsed());
        }
    }
    Ok((median(bares), median(boxes)))
}

const WARM_UP: usize = 5;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn start(argv: &[&str]) -> std::io::Result<()> {
    let (program, arguments) = argv.split_first().ok_or(std::io::ErrorKind::NotFound)?;
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()?;
    child.wait().map(drop)
}

fn request(runner: &SandboxRunner, language: &str, code: &str) -> Result<RunRequest, Failure> {
    let draft = SubmissionDraft {
        code: code.to_owned(),
        language: language.to_owned(),
        ..SubmissionDraft::default()
    };
    let catalog = LanguageCatalog::new(runner.languages());
    let policy = testing::submission_policy();
    let submission = Submission::parse(testing::user("bench"), draft, &catalog, &policy)?;
    Ok(RunRequest {
        id: testing::execution_id(1),
        attempt: Attempt::from_count(1),
        submission: Arc::new(submission),
    })
}

/// Throws output away and says nothing.
struct Nobody;

#[async_trait]
impl RunIo for Nobody {
    async fn output(&mut self, _stream: OutputStream, _bytes: Bytes) {}

    fn cut(&mut self, _stream: OutputStream) {}

    async fn input(&mut self, _wanted: InputWanted) -> RunInput {
        std::future::pending().await
    }

    async fn awaiting_input(&mut self) {}
}

#[expect(clippy::print_stdout, reason = "a table is what this program is for")]
fn print_head() {
    println!("program          bare ms  sandbox ms  ratio  goal");
}

#[expect(clippy::print_stdout, reason = "a table is what this program is for")]
fn print_row(name: &str, bare: Duration, boxed: Duration, goal: f64) {
    let ratio = boxed.as_secs_f64() / bare.as_secs_f64();
    let (bare, boxed) = (bare.as_secs_f64() * 1e3, boxed.as_secs_f64() * 1e3);
    println!("{name:14} {bare:>9.2} {boxed:>11.2} {ratio:>6.2}  <= {goal}");
}
