//! Tests failovers of Redis under a running process.

use std::time::Duration;

use coderun_redis_fixture::{RedisSentinel, RedisServer};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Launch, Service, eventually, within};

/// The longest time from the loss of the master to the next accepted submission; the Sentinels need about two seconds.
const ACCEPTS_AGAIN_WITHIN: Duration = Duration::from_secs(15);
const BEFORE: usize = 20;

fn program(number: usize) -> Value {
    json!({"code": format!("sleep 0.2; echo {number}"), "language": "bash"})
}

struct Deployment {
    sentinel: RedisSentinel,
    service: Service,
    token: String,
}

impl Deployment {
    fn start() -> Self {
        Self::with_waiting_for("0")
    }

    fn with_waiting_for(replicas: &str) -> Self {
        let sentinel = RedisSentinel::start();
        let launch = Launch::on(&sentinel.url());
        let service = launch.with("REDIS_WAIT_REPLICAS", replicas).start();
        let token = service.token("alice");
        Self {
            sentinel,
            service,
            token,
        }
    }

    /// Submits executions and returns when the first has run and the last still wait.
    async fn submit_some(&self) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 0..BEFORE {
            ids.push(self.service.submit(&self.token, &program(number)).await);
        }
        self.service.final_record(&self.token, &ids[0]).await;
        ids
    }

    /// Submits until it is accepted, and returns the id.
    async fn submit_again(&self) -> String {
        let body = program(BEFORE);
        within(ACCEPTS_AGAIN_WITHIN, "it accepts again", || async {
            let answer = self.service.try_submit(&self.token, &body).await;
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                return None;
            }
            assert_eq!(answer.status(), StatusCode::OK);
            let body: Value = answer.json().await.expect("JSON");
            Some(body["execution_id"].as_str().expect("an id").to_owned())
        })
        .await
    }

    async fn assert_all_ran(&self, ids: &[String]) {
        for (number, id) in ids.iter().enumerate() {
            let record = eventually("a record that is final", || async {
                let answer = self.service.try_status(&self.token, id).await;
                if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                    return None;
                }
                assert_eq!(answer.status(), StatusCode::OK, "{number}");
                let record: Value = answer.json().await.expect("JSON");
                (!record["verdict"].is_null()).then_some(record)
            })
            .await;
            assert_eq!(record["verdict"], "accepted", "{record}");
            assert_eq!(record["output"], format!("{number}\n"));
        }
    }
}

/// Waits until the replica has all data of the master, because replication is asynchronous.
async fn until_replicated(servers: &[RedisServer; 2]) {
    let [master, replica] = servers;
    let offset = |server: &RedisServer, name: &str| -> u64 {
        let offset = server.info(name).expect("an offset");
        offset.parse().expect("a number")
    };
    let written = offset(master, "master_repl_offset");
    eventually("the replica has everything", || async {
        (offset(replica, "slave_repl_offset") >= written).then_some(())
    })
    .await;
}

#[tokio::test]
async fn executions_survive_a_manual_failover() {
    let deployment = Deployment::start();
    let mut ids = deployment.submit_some().await;
    deployment.sentinel.failover();
    ids.push(deployment.submit_again().await);
    deployment.assert_all_ran(&ids).await;
}

#[tokio::test]
async fn executions_survive_a_kill_of_the_master() {
    let deployment = Deployment::start();
    let mut ids = deployment.submit_some().await;
    until_replicated(deployment.sentinel.servers()).await;
    deployment.sentinel.kill_master();
    ids.push(deployment.submit_again().await);
    deployment.assert_all_ran(&ids).await;
}

/// After the kill nothing is accepted until there is a replica again.
#[tokio::test]
async fn with_confirmed_replicas_nothing_accepted_is_lost_with_the_master() {
    let deployment = Deployment::with_waiting_for("1");
    let mut ids = deployment.submit_some().await;
    let old = deployment.sentinel.master();
    deployment.sentinel.kill_master();
    deployment.sentinel.wait_for_master_other_than(old);
    let refused = deployment
        .service
        .try_submit(&deployment.token, &program(0))
        .await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    old.restart();
    let port = deployment.sentinel.master().port().to_string();
    let replica = old.command(&["REPLICAOF", "127.0.0.1", &port]);
    assert_eq!(replica.text(), "OK");
    ids.push(deployment.submit_again().await);
    deployment.assert_all_ran(&ids).await;
}
