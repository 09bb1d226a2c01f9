//! How many jobs run, how long answers take, and what becomes of a job whose client left.

use std::time::Duration;

use coderun_piston_standin::StandinOptions;
use tokio::time::timeout;

use crate::support::{SOON, fixed, program, taking, with};

const FOR_EVER: Duration = Duration::from_hours(1);
const BRIEFLY: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_job_goes_on_when_its_client_has_left() {
    let asked = with(taking(BRIEFLY)).await;
    let body = program("python", "");
    let answer = asked.begin(&body);
    timeout(SOON, asked.standin.wait_for_begun(1))
        .await
        .unwrap();
    answer.abort();
    assert!(answer.await.unwrap_err().is_cancelled());
    timeout(SOON, asked.standin.wait_for_ended(1))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_job_beyond_the_greatest_number_waits() {
    let asked = with(StandinOptions {
        max_concurrent_jobs: 2,
        ..taking(FOR_EVER)
    })
    .await;
    let body = program("python", "");
    let answers: Vec<_> = (0..3).map(|_| asked.begin(&body)).collect();
    timeout(SOON, asked.standin.wait_for_begun(2))
        .await
        .unwrap();
    // The third has come, and others are answered meanwhile.
    while asked.standin.requests("/api/v2/execute") < 3 {
        asked.get("/").await;
    }
    asked.get("/").await;
    assert_eq!(asked.standin.executions_begun(), 2);
    answers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn waiting_jobs_are_all_run() {
    let asked = with(StandinOptions {
        max_concurrent_jobs: 1,
        ..taking(Duration::from_millis(1))
    })
    .await;
    let body = program("python", "");
    let answers: Vec<_> = (0..70).map(|_| asked.begin(&body)).collect();
    for answer in answers {
        assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(asked.standin.executions_ended(), 70);
}

#[tokio::test]
async fn latency_passes_before_each_answer_to_a_program() {
    let asked = with(StandinOptions {
        latency: FOR_EVER,
        ..StandinOptions::default()
    })
    .await;
    asked.get("/api/v2/runtimes").await;
    let body = program("python", "");
    let answer = asked.begin(&body);
    timeout(SOON, asked.standin.wait_for_ended(1))
        .await
        .unwrap();
    asked.get("/").await;
    assert!(!answer.is_finished());
    answer.abort();
}

#[tokio::test]
async fn a_dropped_stand_in_listens_no_more() {
    let asked = fixed().await;
    let address = asked.standin.address();
    drop(asked);
    let gone = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, gone).await.unwrap();
}
