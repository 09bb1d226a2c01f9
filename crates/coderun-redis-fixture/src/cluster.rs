//! Starts a Cluster, and moves its slots.

use crate::port;
use crate::server::{RedisServer, wait_until};

/// The slots of the masters, one after the other.
const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

/// Three masters that share the slots, each with a replica if wanted. Without a replica, the slots of a master that is gone
/// are not served; those of the others are.
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
        cluster.connect_nodes();
        cluster.wait_until_complete();
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
        cluster.connect_nodes();
        for (master, replica) in cluster.masters.iter().zip(&cluster.replicas) {
            let replicate = ["CLUSTER", "REPLICATE", &id(master)];
            wait_until("the replica knows its master", || {
                replica.command(&replicate).text() == "OK"
            });
        }
        for replica in &cluster.replicas {
            replica.wait_for("master_link_status", "up");
        }
        cluster.wait_until_complete();
        cluster
    }

    /// The address, with all masters of the start.
    #[must_use]
    pub fn url(&self) -> String {
        let hosts = self.masters.iter().map(RedisServer::port);
        let hosts: Vec<_> = hosts.map(|port| format!("127.0.0.1:{port}")).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// The masters of the start, in the order of their slots.
    #[must_use]
    pub fn masters(&self) -> &[RedisServer] {
        &self.masters
    }

    /// The replica of each of [`Self::masters`], if there are any.
    #[must_use]
    pub fn replicas(&self) -> &[RedisServer] {
        &self.replicas
    }

    /// Starts to move a slot to another master: from now on `from` redirects requests for keys that it lacks to `to`.
    ///
    /// # Panics
    /// When a node refuses.
    pub fn start_to_move_slot(&self, slot: u16, from: &RedisServer, to: &RedisServer) {
        let slot = slot.to_string();
        to.demand(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &id(from)]);
        from.demand(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &id(to)]);
    }

    /// Moves a slot with at most 1000 keys to another master.
    ///
    /// # Panics
    /// When a node refuses.
    pub fn move_slot(&self, slot: u16, from: &RedisServer, to: &RedisServer) {
        self.start_to_move_slot(slot, from, to);
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

    /// Makes the first node know all others; the nodes then exchange their addresses.
    fn connect_nodes(&self) {
        let mut nodes = self.nodes();
        let Some(first) = nodes.next() else { return };
        for node in nodes {
            let (port, bus_port) = (node.port().to_string(), node.bus_port().to_string());
            first.demand(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port]);
        }
    }

    fn wait_until_complete(&self) {
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
    let port = format!("cluster-port {}", port::free());
    RedisServer::with_lines(&[&lines[..], &[port.as_str()]].concat())
}
