//! CPU time of the server per request, and throughput, with state in memory and in Redis, and a runner that needs no
//! time.
//!
//! The server is a process of its own (this program again, with `--server`), so that its CPU time is its own. The load
//! comes over 32 connections; noise of the machine shows in the throughput, hardly in the CPU time.

#![expect(
    clippy::cast_precision_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement prints numbers, and fails by panicking"
)]

mod load;
mod server;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.iter().position(|argument| argument == "--server") {
        Some(at) => {
            let directory = arguments
                .get(at + 1)
                .ok_or(std::io::ErrorKind::InvalidInput)?;
            let redis_url = arguments.get(at + 2).map(String::as_str);
            server::run(directory.as_ref(), redis_url)
        }
        None => load::run(),
    }
}
