//! Measures whether programs that meet faults of a third party delay the others.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_piston_standin::{Behavior, Reply};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::comparison::Contender;
use crate::load::{status, submit_body, watch};
use crate::server::{Server, Setup, runtime};

const EXECUTIONS: usize = 200;
/// How many executions are submitted and not final at a time.
const AT_A_TIME: usize = 64;
/// What each program takes.
const LATENCY: Duration = Duration::from_millis(100);
/// One of so many programs meets a fault.
const FAULT_EVERY: usize = 10;

/// A final execution.
struct Ended {
    /// The number in its code.
    number: usize,
    record: Value,
    took: Duration,
    /// When it became final, after the first submission.
    at: Duration,
}

/// Runs the executions on this build without faults and then with faults, and prints how long those without a fault took.
pub(crate) fn measure_faults(contenders: &[Contender]) -> io::Result<()> {
    println!("\na third party that takes {LATENCY:?}, and a fault in every tenth answer");
    let setup = Setup {
        latency: LATENCY,
        ..Setup::default()
    };
    let server = Arc::new(Server::start(&contenders[0].program, &setup)?);
    runtime()?.block_on(compare_with_faults(&server));
    Ok(())
}

async fn compare_with_faults(server: &Arc<Server>) {
    let piston = &server.piston;
    run_all(server).await;
    let alone = run_all(server).await;
    let first = piston.programs().len();
    let faults = faults();
    let mut next_fault = faults.iter().cycle();
    piston.script((1..=EXECUTIONS).map(|number| {
        let is_faulty = number % FAULT_EVERY == 0;
        let fault = is_faulty.then(|| next_fault.next()).flatten();
        fault.map_or(Behavior::Run, |(_, reply)| reply.clone().into())
    }));
    let together = run_all(server).await;
    // The script follows the order of arrival, which the stand-in has recorded.
    let arrived = piston.programs().split_off(first);
    let faulty_arrivals = arrived.iter().skip(FAULT_EVERY - 1).step_by(FAULT_EVERY);
    let mut fault_of = BTreeMap::new();
    let names = faults.iter().map(|(name, _)| *name).cycle();
    for (request, name) in faulty_arrivals.take(EXECUTIONS / FAULT_EVERY).zip(names) {
        let number = number_in(&request.json()["files"][0]["content"]);
        fault_of.entry(number).or_insert(name);
    }
    print_outcomes(&fault_of, &together);
    let is_unharmed = |ended: &&Ended| !fault_of.contains_key(&ended.number);
    let unharmed: Vec<&Ended> = together.iter().filter(is_unharmed).collect();
    let same: Vec<&Ended> = alone.iter().filter(is_unharmed).collect();
    print_comparison(&same, &unharmed);
}

fn faults() -> Vec<(&'static str, Reply)> {
    vec![
        (
            "429, Retry-After: 1",
            Reply::status(429).header("retry-after", "1"),
        ),
        (
            "429, Retry-After: 3600",
            Reply::status(429).header("retry-after", "3600"),
        ),
        ("429", Reply::status(429)),
        ("503", Reply::status(503)),
        ("401", Reply::status(401)),
        ("404", Reply::status(404)),
        ("500", Reply::status(500)),
        ("reset", Reply::reset()),
        ("no answer", Reply::never()),
        (
            "a byte at a time",
            Reply::success("x").byte_by_byte(Duration::from_millis(200)),
        ),
        ("10 MB", Reply::success(&"x".repeat(5_000_000))),
        ("nested JSON", Reply::nested_json(200_000)),
    ]
}

async fn run_all(server: &Arc<Server>) -> Vec<Ended> {
    let begun = Instant::now();
    let run = |number| async move {
        let submitted = Instant::now();
        let body = json!({"code": format!("print({number})"), "language": "python"});
        let id = submit_body(server, &body).await;
        watch(server, &id).await;
        Ended {
            number,
            took: submitted.elapsed(),
            at: begun.elapsed(),
            record: status(server, &id).await,
        }
    };
    let running = stream::iter(0..EXECUTIONS).map(run);
    running.buffer_unordered(AT_A_TIME).collect().await
}

fn number_in(code: &Value) -> usize {
    let code = code.as_str().expect("a text");
    let number = code.trim_start_matches("print(").trim_end_matches(')');
    number.parse().expect("a number")
}

fn print_outcomes(fault_of: &BTreeMap<usize, &'static str>, all: &[Ended]) {
    let mut rows = BTreeMap::new();
    for ended in all {
        let fault = fault_of.get(&ended.number).copied();
        let word = |name: &str| ended.record[name].to_string().replace('"', "");
        let outcome = (fault.unwrap_or("none"), word("verdict"), word("attempts"));
        let (count, longest) = rows.entry(outcome).or_insert((0, Duration::ZERO));
        *count += 1;
        *longest = ended.took.max(*longest);
    }
    println!(
        "{:<24} {:>16} {:>9} {:>6} {:>11}",
        "fault", "verdict", "attempts", "count", "longest ms"
    );
    for ((fault, verdict, attempts), (count, longest)) in rows {
        let longest = longest.as_millis();
        println!("{fault:<24} {verdict:>16} {attempts:>9} {count:>6} {longest:>11}");
    }
}

fn print_comparison(alone: &[&Ended], together: &[&Ended]) {
    let mean = |all: &[&Ended]| {
        all.iter()
            .map(|ended| ended.took.as_secs_f64())
            .sum::<f64>()
            / all.len() as f64
            * 1e3
    };
    let last = |all: &[&Ended]| {
        let last = all.iter().map(|ended| ended.at).max();
        last.unwrap_or_default().as_secs_f64() * 1e3
    };
    println!(
        "{:<24} {:>9} {:>11} {:>7}",
        "without a fault, ms", "alone", "with faults", "ratio"
    );
    for (name, alone, together) in [
        ("mean time", mean(alone), mean(together)),
        ("until the last ended", last(alone), last(together)),
    ] {
        let ratio = together / alone;
        println!("{name:<24} {alone:>9.0} {together:>11.0} {ratio:>7.2}");
    }
    println!("executions without a fault: {}", together.len());
}
