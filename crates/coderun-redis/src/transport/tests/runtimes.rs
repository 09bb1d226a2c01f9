//! Tests that each runtime has a connection of its own.

use std::sync::mpsc;

use futures_util::future::join_all;
use tokio::runtime::Builder;

use super::*;

/// Runs on a runtime of one thread, which ends with it.
fn on_a_runtime<T>(run: impl Future<Output = T>) -> T {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(run)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_connects_once_and_its_end_affects_no_other() {
    let (server, transport) = start(LONG).await;
    let mut count = ConnectionCount::from_now_on(&server);
    for _ in 0..3 {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                on_a_runtime(async {
                    let calls = (0..8).map(|_| call(&transport, &["PING"]));
                    for answer in join_all(calls).await {
                        answer.unwrap();
                    }
                    groups::assert_counted(&transport, "a").await;
                });
            });
        });
        assert_set(&transport).await;
    }
    assert_eq!(count.made(), 3);
    // The entries of runtimes that have ended are dropped with the next new one.
    assert!(transport.runtimes.read().len() <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runtimes_run_steps_at_the_same_time() {
    let (server, transport) = start(LONG).await;
    std::thread::scope(|scope| {
        for name in ["a", "b"] {
            let transport = &transport;
            scope.spawn(move || {
                on_a_runtime(async {
                    for _ in 0..200 {
                        groups::assert_counted(transport, name).await;
                    }
                });
            });
        }
    });
    for name in ["a", "b"] {
        assert_eq!(groups::runs(&server, name), 200);
    }
}

/// The tasks of a runtime end in the middle of a call; another runtime goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_may_end_while_its_steps_are_under_way() {
    let (server, transport) = start(LONG).await;
    let (started, has_started) = mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            on_a_runtime(async {
                assert_set(&transport).await;
                server.pause();
                tokio::select! {
                    biased;
                    _ = groups::run(&transport, "a") => panic!("a paused server answered"),
                    () = async { tokio::task::yield_now().await; started.send(()).unwrap() } => {}
                }
            });
        });
    });
    has_started.recv().unwrap();
    server.resume();
    groups::assert_counted(&transport, "b").await;
}
