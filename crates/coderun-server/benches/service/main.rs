//! Measures CPU time per request and throughput of the server.
//!
//! Scenarios vary the storage, the runner and the tokens.
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
