//! Tests programs that try to reach the network or other programs.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use coderun_conformance::code_runner::interactive_io;

use crate::support::{TestSandbox, assert_prints, program};

#[tokio::test]
async fn the_machines_own_services_cannot_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let code = format!(
        "import socket\n\
        for address in ('127.0.0.1', '169.254.169.254', '8.8.8.8'):\n\
        \x20   try: socket.create_connection((address, {port}), 1); print('reached', address)\n\
        \x20   except OSError as e: print('no')"
    );
    assert_prints("python", &code, "no\nno\nno\n").await;
}

#[tokio::test]
async fn names_are_not_resolved() {
    let code = "import socket\ntry: socket.getaddrinfo('example.com', 80); print('found')\nexcept OSError: print('no')";
    assert_prints("python", code, "no\n").await;
}

#[tokio::test]
async fn only_harmless_kinds_of_sockets_exist() {
    // Packet, netlink, bluetooth, alg, vsock; raw internet.
    let code = "import socket\n\
        for family, kind, protocol in ((17, 3, 0), (16, 3, 0), (31, 3, 0), (38, 5, 0), (40, 1, 0), (2, 3, 1)):\n\
        \x20   try: socket.socket(family, kind, protocol); print('made', family)\n\
        \x20   except PermissionError: print('no')\n\
        for family in (1, 2, 10): socket.socket(family, 1)\nprint('harmless')";
    assert_prints("python", code, &format!("{}harmless\n", "no\n".repeat(6))).await;
}

#[tokio::test]
async fn sockets_of_the_machine_cannot_be_reached_by_name() {
    let name = format!("coderun-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let code = format!(
        "import socket\n\
        try: socket.socket(socket.AF_UNIX).connect('\\0{name}'); print('reached')\n\
        except OSError: print('no')"
    );
    assert_prints("python", &code, "no\n").await;
}

#[tokio::test]
async fn programs_that_run_at_the_same_time_have_networks_of_their_own() {
    let sandbox = TestSandbox::with(|config| config.slots = 2).await;
    let program = program("bash", "readlink /proc/self/ns/net; read -r");
    let (mut one, mut client_of_one) = interactive_io();
    let (mut other, mut client_of_other) = interactive_io();
    let compare = async {
        let networks = (
            client_of_one.read_stdout_until("\n").await,
            client_of_other.read_stdout_until("\n").await,
        );
        assert_ne!(networks.0, networks.1);
        let own = std::fs::read_link("/proc/self/ns/net").unwrap();
        assert_ne!(networks.0.trim_end(), own.to_str().unwrap());
        client_of_one.close();
        client_of_other.close();
    };
    let (one, other, ()) = tokio::join!(
        program.run_with(&*sandbox.runner, &mut one),
        program.run_with(&*sandbox.runner, &mut other),
        compare
    );
    assert!(one.is_ok() && other.is_ok());
}
