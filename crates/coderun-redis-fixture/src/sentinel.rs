//! Starts a master and its replica with three Sentinels.

use crate::client::Reply;
use crate::server::{RedisOptions, RedisServer, wait_until};

const SENTINELS: usize = 3;

/// A master with a replica, and three Sentinels. Two votes start a failover when the master is silent for half a second.
#[derive(Debug)]
pub struct RedisSentinel {
    servers: [RedisServer; 2],
    sentinels: Vec<RedisServer>,
}

impl RedisSentinel {
    /// The name of the master in the Sentinels.
    pub const MASTER_NAME: &str = "mymaster";

    /// Starts all processes, and waits until they know each other.
    ///
    /// # Panics
    /// When there is no `redis-server`, or they do not find each other.
    #[must_use]
    pub fn start() -> Self {
        let master = start_server(None);
        let replica = start_server(Some(&master));
        replica.wait_for("master_link_status", "up");
        let sentinels = (0..SENTINELS).map(|_| start_sentinel(&master));
        let sentinel = Self {
            sentinels: sentinels.collect(),
            servers: [master, replica],
        };
        sentinel.wait_until_complete();
        sentinel
    }

    /// The address, with all Sentinels.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts = self.sentinels.iter().map(RedisServer::port);
        let hosts: Vec<_> = hosts.map(|port| format!("127.0.0.1:{port}")).collect();
        format!("redis+sentinel://{}/{}", hosts.join(","), Self::MASTER_NAME)
    }

    /// Master and replica, in the order of the start.
    #[must_use]
    pub fn servers(&self) -> &[RedisServer; 2] {
        &self.servers
    }

    /// The Sentinels.
    #[must_use]
    pub fn sentinels(&self) -> &[RedisServer] {
        &self.sentinels
    }

    /// The master that the first Sentinel names.
    ///
    /// # Panics
    /// When no Sentinel knows of one.
    #[must_use]
    pub fn master(&self) -> &RedisServer {
        let port = port_of_master(self.first());
        let mut servers = self.servers.iter();
        servers
            .find(|server| server.port().to_string() == port)
            .expect("a master that was started here")
    }

    /// Makes the replica take over from a healthy master. Both have their new roles when this returns.
    ///
    /// # Panics
    /// When that does not happen.
    pub fn failover(&self) {
        let old = self.master();
        let failover = ["SENTINEL", "FAILOVER", Self::MASTER_NAME];
        wait_until("the sentinels begin", || {
            self.first().command(&failover).text() == "OK"
        });
        self.wait_for_master_other_than(old);
        // The Sentinels demote the old master too, but only ten seconds later.
        let port = port_of_master(self.first());
        old.demand(&["REPLICAOF", "127.0.0.1", &port]);
        old.wait_for("master_link_status", "up");
    }

    /// Kills the master. The Sentinels take a second or more to name another.
    pub fn kill_master(&self) {
        self.master().kill();
    }

    /// Waits until every Sentinel names another master than this one.
    ///
    /// # Panics
    /// When that does not happen.
    pub fn wait_for_master_other_than(&self, old: &RedisServer) {
        let old_port = old.port().to_string();
        for sentinel in &self.sentinels {
            wait_until("a sentinel names another master", || {
                port_of_master(sentinel) != old_port
            });
        }
        self.master().wait_for("role", "master");
    }

    fn first(&self) -> &RedisServer {
        self.sentinels.first().expect("three sentinels")
    }

    fn wait_until_complete(&self) {
        let all = format!("slaves=1,sentinels={SENTINELS}");
        for sentinel in &self.sentinels {
            wait_until("the sentinels know each other and the replica", || {
                let report = sentinel.info("master0").unwrap_or_default();
                report.contains("status=ok") && report.ends_with(&all)
            });
        }
    }
}

fn port_of_master(sentinel: &RedisServer) -> String {
    let name = RedisSentinel::MASTER_NAME;
    let address = sentinel.command(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name]);
    address.parts().get(1).map(Reply::text).unwrap_or_default()
}

fn start_server(master: Option<&RedisServer>) -> RedisServer {
    let mut lines = vec!["repl-diskless-sync-delay 0".to_owned()];
    lines.extend(master.map(|master| format!("replicaof 127.0.0.1 {}", master.port())));
    RedisServer::with_lines(&lines)
}

fn start_sentinel(master: &RedisServer) -> RedisServer {
    let name = RedisSentinel::MASTER_NAME;
    let lines = [
        format!("sentinel monitor {name} 127.0.0.1 {} 2", master.port()),
        format!("sentinel down-after-milliseconds {name} 500"),
        format!("sentinel failover-timeout {name} 3000"),
        format!("sentinel parallel-syncs {name} 1"),
    ];
    RedisServer::launch(&RedisOptions::with_lines(&lines), &["--sentinel"])
}
