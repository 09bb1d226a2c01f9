//! Tests that a server does not outlive the process that started it.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, stdin};
use std::net::{Ipv4Addr, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use coderun_redis_fixture::RedisServer;

/// The other test runs this one in a process of its own. By itself it ends at once, because its input is empty.
#[test]
fn a_server_is_held_until_the_input_ends() {
    let server = RedisServer::start();
    println!("\nport {}", server.port());
    stdin().read_to_end(&mut Vec::new()).expect("an input");
}

#[test]
fn a_server_ends_with_a_process_that_is_killed() {
    let mut holder = Command::new(env::current_exe().expect("a path"))
        .args(["a_server_is_held_until_the_input_ends", "--exact"])
        .arg("--nocapture")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this very program");
    let output = BufReader::new(holder.stdout.take().expect("a pipe"));
    let mut lines = output.lines().map_while(Result::ok);
    let port = lines.find_map(|line| line.strip_prefix("port ")?.parse::<u16>().ok());
    let port = port.expect("the port of the server");
    assert!(is_open(port));
    holder.kill().expect("a running process");
    holder.wait().expect("a killed process");
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_open(port) {
        assert!(Instant::now() < deadline, "the server still runs");
        thread::sleep(Duration::from_millis(10));
    }
}

fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}
