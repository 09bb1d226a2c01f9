//! CPU time of the server per request, and throughput: with state in memory and in Redis, with a runner that needs no time
//! and with a third party, with tokens that are known already and with new ones.
//!
//! The server is a process of its own (this program again, with `--server`), so that its CPU time is its own. The load
//! comes over 32 or 64 connections; noise of the machine shows in the throughput, hardly in the CPU time.

#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints numbers, and fails by panicking"
)]

mod faults;
mod live;
mod load;
mod scenarios;
mod server;
mod sockets;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |flag| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).map(String::as_str)
    };
    if let Some(directory) = value("--server") {
        return server::run(directory.as_ref(), value("--redis"), value("--piston"));
    }
    let words = arguments.iter().skip(1);
    let names: Vec<_> = words.filter(|word| !word.starts_with("--")).collect();
    scenarios::run(&names)
}
