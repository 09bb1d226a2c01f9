//! A Cluster.

use crate::port;
use crate::server::{RedisOptions, RedisServer, wait_until};

/// The slots of the masters, one after the other.
const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

/// Three masters that share the slots, each with a replica if wanted. A master that is gone takes its slots with it;
/// those of the others are served on.
#[derive(Debug)]
pub struct RedisCluster {
    masters: Vec<RedisServer>,
    replicas: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts three masters without replicas.
    ///
    /// # Panics
    /// When there is no `redis-server`, or the nodes do not find each other.
    #[must_use]
    pub fn start() -> Self {
        let masters: Vec<_> = SLOTS.iter().map(|_| start_node()).collect();
        for ((master, (first, last)), epoch) in masters.iter().zip(SLOTS).zip(1..) {
            master.demand(&["CLUSTER", "SET-CONFIG-EPOCH", &format!("{epoch}")]);
            master.demand(&["CLUSTER", "ADDSLOTSRANGE", first, last]);
        }
        let cluster = Self {
            masters,
            replicas: Vec::new(),
        };
        cluster.introduce();
        cluster.wait_until_whole();
        cluster
    }

    /// Starts three masters with a replica each, which takes over within seconds when its master is gone.
    ///
    /// # Panics
    /// When there is no `redis-server`, or the nodes do not find each other.
    #[must_use]
    pub fn start_with_replicas() -> Self {
        let mut cluster = Self::start();
        cluster.replicas = SLOTS.iter().map(|_| start_node()).collect();
        cluster.introduce();
        for (master, replica) in cluster.masters.iter().zip(&cluster.replicas) {
            let id = master.command(&["CLUSTER", "MYID"]).text();
            let replicate = ["CLUSTER", "REPLICATE", &id];
            wait_until("the replica knows its master", || {
                replica.command(&replicate).text() == "OK"
            });
        }
        for replica in &cluster.replicas {
            replica.wait_for("master_link_status", "up");
        }
        cluster.wait_until_whole();
        cluster
    }

    /// The address in the form that clients take, with every master that there was at the start.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts = self.masters.iter().map(RedisServer::port);
        let hosts: Vec<_> = hosts.map(|port| format!("127.0.0.1:{port}")).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The masters that there were at the start; the slots of each follow those of the one before.
    #[must_use]
    pub fn masters(&self) -> &[RedisServer] {
        &self.masters
    }

    /// The replica of each of [`Self::masters`], if there are any.
    #[must_use]
    pub fn replicas(&self) -> &[RedisServer] {
        &self.replicas
    }

    /// Begins to give a slot to another master: keys that `from` does not have are asked of `to` from now on.
    ///
    /// # Panics
    /// When a node refuses.
    pub fn begin_to_move_slot(&self, slot: u16, from: &RedisServer, to: &RedisServer) {
        let slot = slot.to_string();
        to.demand(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
        from.demand(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    }

    /// Gives a slot to another master, with at most 1000 keys.
    ///
    /// # Panics
    /// When a node refuses.
    pub fn move_slot(&self, slot: u16, from: &RedisServer, to: &RedisServer) {
        self.begin_to_move_slot(slot, from, to);
        let (slot, port) = (slot.to_string(), to.port().to_string());
        let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]);
        for key in keys.parts() {
            from.demand(&["MIGRATE", "127.0.0.1", &port, &key.text(), "0", "5000"]);
        }
        for master in [to, from] {
            master.demand(&["CLUSTER", "SETSLOT", &slot, "NODE", &id(to)]);
        }
    }

    fn nodes(&self) -> impl Iterator<Item = &RedisServer> {
        self.masters.iter().chain(&self.replicas)
    }

    /// Makes all nodes known to the first, which tells them of each other.
    fn introduce(&self) {
        let mut nodes = self.nodes();
        let Some(first) = nodes.next() else { return };
        for node in nodes {
            let (port, bus_port) = (node.port().to_string(), node.bus_port().to_string());
            first.demand(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port]);
        }
    }

    fn wait_until_whole(&self) {
        let count = format!("cluster_known_nodes:{}", self.nodes().count());
        for node in self.nodes() {
            wait_until("every node knows all others", || {
                let report = node.command(&["CLUSTER", "INFO"]).text();
                let has = |line: &str| report.lines().any(|it| it.trim_end() == line);
                has("cluster_state:ok") && has(&count) && has("cluster_slots_ok:16384")
            });
        }
    }
}

fn id(node: &RedisServer) -> String {
    node.command(&["CLUSTER", "MYID"]).text()
}

fn start_node() -> RedisServer {
    let lines = [
        "cluster-enabled yes",
        "cluster-node-timeout 1000",
        "cluster-require-full-coverage no",
        "repl-diskless-sync-delay 0",
    ];
    let mut options = RedisOptions {
        lines: lines.map(str::to_owned).to_vec(),
        ..RedisOptions::default()
    };
    options.lines.push(format!("cluster-port {}", port::free()));
    RedisServer::with(&options)
}
