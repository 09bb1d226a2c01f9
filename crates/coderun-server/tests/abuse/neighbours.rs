//! Attacks by a second service on the same machine.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::arena::{Arena, judged};
use crate::attack::{Attack, Promised};
use crate::support::Launch;

pub(crate) const OTHER_NAMESPACE: Attack = Attack {
    name: "other-namespace",
    promise: "A second service starts and ends in a PID namespace of its own, over the same control groups; programs of the first \
              run on, once.",
    promised: Promised::Always,
    is_light: false,
    settings: &[],
    victims: 1,
    run: |arena| Box::pin(other_namespace(arena)),
};

async fn other_namespace(arena: &Arena) {
    let bystander = arena.service.token("bystander");
    let steady = json!({
        "language": "bash",
        "code": "for i in $(seq 12); do echo $i; sleep 1; done",
        "limits": {"wall_time_ms": 60_000},
    });
    let steady = arena.begin(&bystander, &steady, "execution_output").await;
    for _ in 0..2 {
        let neighbour = Neighbour::start();
        arena.watch_victims(1, Duration::from_secs(4)).await;
        drop(neighbour);
    }
    let record = arena.service.final_record(&bystander, &steady).await;
    arena.check(
        record["verdict"] == "accepted" && record["attempts"] == 1,
        || format!("a program that counts to 12: {}", judged(&record)),
    );
}

/// A service that does not see the processes of the first.
struct Neighbour {
    child: Child,
    /// Holds the folder of its state.
    _launch: Launch,
}

impl Neighbour {
    fn start() -> Self {
        let launch = Launch::new();
        let command = launch.command();
        let mut unshare = Command::new("unshare");
        if !rustix::process::geteuid().is_root() {
            unshare.args(["--user", "--map-current-user"]);
        }
        unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child", "--"]);
        unshare.arg(command.get_program()).env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                unshare.env(name, value);
            }
        }
        let silent = unshare.stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = silent
            .stderr(Stdio::piped())
            .spawn()
            .expect("a second service");
        // Stays open, because the service writes to it.
        let log = child.stderr.as_mut().expect("stderr");
        let mut lines = BufReader::new(log).lines().map_while(Result::ok);
        assert!(
            lines.any(|line| line.contains("listening")),
            "the second service ended early"
        );
        Self {
            child,
            _launch: launch,
        }
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.child.kill().expect("a process to kill");
        self.child.wait().expect("a child");
    }
}
