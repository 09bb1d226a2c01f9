//! Measures what the sandbox costs, as ratios to a bare start of the same program: interleaved, medians.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use coderun_conformance::code_runner::Program;
use coderun_domain::{CodeRunner, RunnerError};
use coderun_runner_sandbox::SandboxRunner;

use super::Failure;

pub(super) async fn measure(runner: &SandboxRunner, times: usize) -> Result<(), Failure> {
    print_head();
    let python = python(runner)?;
    let bare = || start(&["/bin/true"]);
    let (bare, sandboxed) = interleaved(times, bare, async || runner.check().await).await?;
    print_row("/bin/true", bare, sandboxed, 4.0);
    let hello = Program::new("python", "print('hello')");
    let bare = || start(&[&python, "-c", "print('hello')"]);
    let sandboxed = async || hello.run_on(runner).await.map(drop);
    let (bare, sandboxed) = interleaved(times, bare, sandboxed).await?;
    print_row("python hello", bare, sandboxed, 1.2);
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

/// Measures both sides in turn, so that what else the machine does hits both; returns the medians.
async fn interleaved<B, S>(
    times: usize,
    bare: B,
    sandboxed: S,
) -> Result<(Duration, Duration), Failure>
where
    B: Fn() -> std::io::Result<()>,
    S: AsyncFn() -> Result<(), RunnerError>,
{
    let (mut bare_times, mut sandboxed_times) = (Vec::new(), Vec::new());
    for round in 0..times + WARM_UP {
        let started = Instant::now();
        bare()?;
        let bare_took = started.elapsed();
        let started = Instant::now();
        sandboxed().await?;
        if round >= WARM_UP {
            bare_times.push(bare_took);
            sandboxed_times.push(started.elapsed());
        }
    }
    Ok((median(bare_times), median(sandboxed_times)))
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

#[expect(clippy::print_stdout, reason = "a table is what this program is for")]
fn print_head() {
    println!("program          bare ms  sandbox ms  ratio  goal");
}

#[expect(clippy::print_stdout, reason = "a table is what this program is for")]
fn print_row(name: &str, bare: Duration, sandboxed: Duration, goal: f64) {
    let ratio = sandboxed.as_secs_f64() / bare.as_secs_f64();
    let (bare, sandboxed) = (bare.as_secs_f64() * 1e3, sandboxed.as_secs_f64() * 1e3);
    println!("{name:14} {bare:>9.2} {sandboxed:>11.2} {ratio:>6.2}  <= {goal}");
}
