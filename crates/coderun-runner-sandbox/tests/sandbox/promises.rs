//! Tests what the sandbox promises beyond the contract of all runners, which is in `conformance`.

use std::sync::Arc;

use crate::support::{TestSandbox, run};

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_a_time_see_nothing_of_each_other() {
    let sandbox = Arc::new(TestSandbox::start().await);
    let code = "import os, time\nopen('/tmp/mine', 'x').close()\ntime.sleep(0.3)\nprint(sorted(os.listdir('/tmp')), [p for p in os.listdir('/proc') if p.isdigit()])";
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..2 {
        let sandbox = Arc::clone(&sandbox);
        running.spawn(async move { sandbox.run("python", code).await.stdout().to_owned() });
    }
    while let Some(stdout) = running.join_next().await {
        assert_eq!(stdout.unwrap(), "['mine'] ['2']\n");
    }
}

#[tokio::test]
async fn a_report_says_what_was_enforced() {
    let enforcement = run("bash", ":").await.report.enforcement;
    for control in [
        enforcement.cpu,
        enforcement.memory,
        enforcement.processes,
        enforcement.network,
        enforcement.filesystem,
        enforcement.output,
    ] {
        assert!(control.is_some());
    }
}
