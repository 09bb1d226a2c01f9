//! Tests programs that try to reach the network or other programs.

use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use coderun_conformance::code_runner::interactive_io;
use coderun_domain::Verdict;
use coderun_runner_sandbox::ControlGroups;

use crate::support::{TestSandbox, assert_prints, program, run};

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
async fn loopback_is_the_only_interface() {
    let code = "import socket\nprint(socket.if_nameindex())\n\
        one = socket.socket(type=socket.SOCK_DGRAM)\n\
        for address in ('10.0.0.1', '169.254.169.254', '8.8.8.8', '224.0.0.1', '255.255.255.255'):\n\
        \x20   one.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n\
        \x20   try: one.sendto(b'x', (address, 53)); print('sent', address)\n\
        \x20   except OSError as e: print(e.strerror)";
    let expected = format!("[(1, 'lo')]\n{}", "Network is unreachable\n".repeat(5));
    assert_prints("python", code, &expected).await;
}

#[tokio::test]
async fn both_ends_of_a_connection_may_be_in_one_program() {
    let code = "import socket, threading\n\
        for host in ('127.0.0.1', '::1', 'localhost'):\n\
        \x20   family = socket.AF_INET6 if host == '::1' else socket.AF_INET\n\
        \x20   server = socket.create_server((host, 80), family=family)\n\
        \x20   threading.Thread(target=lambda: server.accept()[0].sendall(host.encode())).start()\n\
        \x20   print(socket.create_connection((host, 80)).recv(100)); server.close()\n\
        one = socket.socket(type=socket.SOCK_DGRAM); one.bind(('127.0.0.1', 0))\n\
        one.sendto(b'datagram', one.getsockname()); print(one.recv(100))";
    let expected = "b'127.0.0.1'\nb'::1'\nb'localhost'\nb'datagram'\n";
    assert_prints("python", code, expected).await;
}

#[tokio::test]
async fn a_web_server_and_its_client_run_in_one_javascript_program() {
    let code = "const http = require('http'), os = require('os');\n\
        const server = http.createServer((request, answer) => answer.end('hi ' + request.url));\n\
        server.listen(8080, () => http.get('http://localhost:8080/x', answer => {\n\
        answer.on('data', data => console.log(String(data))); answer.on('end', () => server.close()); }));\n\
        console.log(Object.keys(os.networkInterfaces()));";
    assert_prints("javascript", code, "[ 'lo' ]\nhi /x\n").await;
}

#[tokio::test]
async fn ports_of_a_run_are_free_in_the_next_one() {
    let sandbox = TestSandbox::start().await;
    // Without waiting for its end: connections that are closed by neither side linger in the kernel.
    let code = "import os, socket\nserver = socket.create_server(('127.0.0.1', 5000), reuse_port=False)\n\
        one = socket.create_connection(('127.0.0.1', 5000)); other = server.accept()[0]; other.close()\n\
        print(os.readlink('/proc/self/ns/net'), flush=True); os._exit(0)";
    let mut networks = Vec::new();
    for _ in 0..3 {
        let ran = sandbox.run("python", code).await;
        assert_eq!(ran.stderr(), "");
        networks.push(ran.stdout().to_owned());
    }
    networks.dedup();
    assert_eq!(networks.len(), 3, "{networks:?}");
}

#[tokio::test]
async fn names_are_not_resolved() {
    let code = "import socket\ntry: socket.getaddrinfo('example.com', 80); print('found')\nexcept OSError: print('no')";
    assert_prints("python", code, "no\n").await;
}

#[tokio::test]
async fn only_harmless_kinds_of_sockets_exist() {
    // Packet, bluetooth, alg, vsock; netlink for audit, connectors and netfilter; raw internet, SCTP, MPTCP and DCCP.
    let code = "import socket\n\
        for family, kind, protocol in ((17, 3, 0), (31, 3, 0), (38, 5, 0), (40, 1, 0), (16, 3, 9), (16, 3, 11), (16, 3, 12), \
        (2, 3, 1), (2, 3, 255), (10, 3, 58), (2, 5, 0), (2, 1, 132), (2, 1, 262), (10, 6, 0), (2, 2, 1)):\n\
        \x20   try: socket.socket(family, kind, protocol); print('made', family, kind, protocol)\n\
        \x20   except PermissionError: print('no')\n\
        for family, kind in ((1, 1), (1, 5), (2, 1), (2, 2), (10, 1), (10, 2), (16, 3)): socket.socket(family, kind)\n\
        print('harmless')";
    let expected = format!("{}harmless\n", "no\n".repeat(15));
    assert_prints("python", code, &expected).await;
}

#[tokio::test]
async fn the_network_cannot_be_changed() {
    // SIOCSIFFLAGS to stop the device, SIOCSIFADDR, RTM_NEWLINK and RTM_NEWADDR, and a setting.
    let code = "import errno, fcntl, socket, struct\n\
        one = socket.socket(type=socket.SOCK_DGRAM)\n\
        for request, rest in ((0x8914, struct.pack('h', 0)), (0x8916, struct.pack('HH4s', 2, 0, bytes([10, 0, 0, 1])))):\n\
        \x20   try: fcntl.ioctl(one, request, struct.pack('16s', b'lo') + rest + bytes(16)); print('changed')\n\
        \x20   except OSError as e: print(errno.errorcode[e.errno])\n\
        ask = socket.socket(16, 3, 0); ask.bind((0, 0))\n\
        for kind in (16, 20):\n\
        \x20   ask.send(struct.pack('=IHHIIBxHiII', 32, kind, 0x605, 1, 0, 0, 0, 1, 0, 0))\n\
        \x20   print(errno.errorcode[-struct.unpack_from('=i', ask.recv(999), 16)[0]])\n\
        try: open('/proc/sys/net/ipv4/tcp_rmem', 'w'); print('opened')\nexcept OSError: print('absent')";
    assert_prints("python", code, "EPERM\nEPERM\nEPERM\nEPERM\nabsent\n").await;
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

/// Opens pairs of sockets in eight processes, as many as each may, and writes to each pair until it takes no more. Prints how
/// much can be read again, in MiB, once all are full.
const FILL: &str = "import os, socket\n\
    def tcp():\n\
    \x20   with socket.create_server(('127.0.0.1', 0)) as server:\n\
    \x20       return socket.create_connection(server.getsockname()), server.accept()[0]\n\
    def udp():\n\
    \x20   one, other = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)\n\
    \x20   other.bind(('127.0.0.1', 0)); one.connect(other.getsockname()); return one, other\n\
    def fill(pair):\n\
    \x20   for end in pair: end.setblocking(False)\n\
    \x20   try:\n\
    \x20       for _ in range(200): pair[0].send(bytes(30000))\n\
    \x20   except OSError: pass\n\
    def drain(pair):\n\
    \x20   try:\n\
    \x20       while True: yield len(pair[1].recv(65536))\n\
    \x20   except OSError: pass\n\
    (full, is_full), (go, may_go), (sizes, report) = os.pipe(), os.pipe(), os.pipe()\n\
    for _ in range(8):\n\
    \x20   if os.fork() == 0:\n\
    \x20       pairs = []\n\
    \x20       try:\n\
    \x20           while True: pairs.append(PAIR()); fill(pairs[-1])\n\
    \x20       except OSError: pass\n\
    \x20       os.write(is_full, b'.'); os.read(go, 1)\n\
    \x20       os.write(report, b'%d\\n' % sum(sum(drain(pair)) for pair in pairs)); os._exit(0)\n\
    for _ in range(8): os.read(full, 1)\n\
    os.write(may_go, b'.' * 8)\n\
    os.close(report); print(sum(map(int, open(sizes))) >> 20)\n";

#[tokio::test]
async fn what_nobody_reads_is_bounded_and_counted() {
    let sandbox = TestSandbox::start().await;
    // About 28 pairs in each of the processes, under a memory limit of 64 MiB.
    for pair in ["tcp", "udp", "socket.socketpair"] {
        let ran = sandbox.run("python", &FILL.replace("PAIR", pair)).await;
        if ran.report.verdict == Verdict::MemoryLimit {
            continue;
        }
        let held: u64 = ran.stdout().trim().parse().unwrap();
        let memory = ran.report.enforcement.memory.unwrap();
        // Version 1 counts the first two apart, and they may have a quarter of the limit; each page holds less than it takes.
        let most = match memory.as_str() {
            "cgroup1" if pair != "socket.socketpair" => 20,
            "cgroup1" | "cgroup2" => 64,
            _ => 80,
        };
        assert!((1..=most).contains(&held), "{pair}: {held} MiB, {memory}");
    }
}

#[tokio::test]
async fn a_connection_that_nobody_reads_takes_little() {
    // The kernel lets a buffer grow while its reader keeps up.
    let code = "import socket\nserver = socket.create_server(('127.0.0.1', 0))\n\
        one = socket.create_connection(server.getsockname()); other = server.accept()[0]\n\
        for end in (one, other): end.setblocking(False)\n\
        def send():\n\
        \x20   try: return one.send(bytes(1 << 20))\n    except BlockingIOError: return 0\n\
        def receive():\n\
        \x20   try: return len(other.recv(1 << 20))\n    except BlockingIOError: return 0\n\
        moved = 0\n\
        while moved < 1 << 26: send(); moved += receive()\n\
        while receive(): pass\n\
        sent = 0\n\
        while (more := send()): sent += more\n\
        print(sent <= 1 << 20 or sent)";
    assert_prints("python", code, "True\n").await;
}

#[tokio::test]
async fn without_control_groups_full_sockets_count_as_memory() {
    let sandbox = TestSandbox::with(|config| config.control_groups = ControlGroups::Never).await;
    // Far more than the limit of 64 MiB, in the queues of servers that accept nothing.
    let code = "import socket, time\nservers = [socket.create_server(('127.0.0.1', 0), backlog=1 << 20) for _ in range(8)]\n\
        for server in servers:\n\
        \x20   for _ in range(200):\n\
        \x20       with socket.create_connection(server.getsockname()) as one: one.send(bytes(30000))\n\
        time.sleep(100)";
    let ran = sandbox.run("python", code).await;
    assert_eq!(ran.report.verdict, Verdict::MemoryLimit, "{}", ran.stderr());
}

#[tokio::test]
async fn connections_that_nobody_accepts_are_bounded() {
    // The client's end is closed at once, so that only the queue of the server keeps the connection.
    let code = "import socket\nserver = socket.create_server(('127.0.0.1', 0), backlog=1 << 20)\n\
        def connect():\n\
        \x20   one = socket.socket(); one.settimeout(0.3)\n\
        \x20   try: return one.connect_ex(server.getsockname()) == 0\n    finally: one.close()\n\
        queued = 0\n\
        while queued < 2000 and connect(): queued += 1\n\
        print(queued < 600 or queued)";
    let ran = run("python", code).await;
    // Without control groups, so many sockets count as memory.
    if ran.report.verdict != Verdict::MemoryLimit {
        assert_eq!(ran.stdout(), "True\n", "{}", ran.stderr());
    }
}
