//! Scripts answers, and reads them with a plain HTTP client.

use coderun_piston_standin::{Behavior, PistonStandin, Reply, StandinOptions};
use serde_json::{Value, json};
use std::time::Duration;

use crate::support::{answer, client, execute, program, run, start};

async fn fixed() -> PistonStandin {
    start(StandinOptions::default()).await
}

async fn get(piston: &PistonStandin, path: &str) -> (u16, Value) {
    let request = client().get(format!("{}{path}", piston.url()));
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn routes_are_those_of_piston() {
    let piston = fixed().await;
    assert_eq!(
        get(&piston, "/").await,
        (200, json!({"message": "Piston v3.1.1"}))
    );
    let (status, runtimes) = get(&piston, "/api/v2/runtimes").await;
    let python =
        json!({"language": "python", "version": "3.12.0", "aliases": ["py", "py3", "python3"]});
    assert_eq!((status, &runtimes[0]), (200, &python));
    for path in ["/nowhere", "/api/v2/execute"] {
        assert_eq!(
            get(&piston, path).await,
            (404, json!({"message": "Not Found"}))
        );
    }
    piston.script_runtimes(Reply::json(502, &json!([])));
    assert_eq!(get(&piston, "/api/v2/runtimes").await.0, 502);
}

#[tokio::test]
async fn the_fixed_result_is_shaped_as_pistons() {
    let result = run(&fixed().await, &program("py", "")).await;
    let stage = json!({
        "signal": null, "stdout": "Hello, World!\n", "stderr": "", "code": 0, "output": "Hello, World!\n",
        "memory": 1_204_000, "message": null, "status": null, "cpu_time": 11.0, "wall_time": 29.0,
    });
    let expected = json!({"run": stage, "language": "python", "version": "3.12.0"});
    assert_eq!(result, expected);
}

#[tokio::test]
async fn without_the_required_header_everything_is_refused() {
    let piston = start(StandinOptions {
        required_header: Some(("X-Key".to_owned(), "secret".to_owned())),
        ..StandinOptions::default()
    })
    .await;
    let body = program("python", "");
    assert_eq!(answer(&piston, &body).await.0, 401);
    assert_eq!(get(&piston, "/api/v2/runtimes").await.0, 401);
    let authorized = execute(&piston.url(), &body).header("x-key", "secret");
    assert_eq!(authorized.send().await.unwrap().status(), 200);
    assert_eq!(piston.programs().len(), 1);
}

#[tokio::test]
async fn a_script_is_followed_by_what_is_always_so_until_it_is_forgotten() {
    let piston = fixed().await;
    let body = program("python", "");
    let busy = Reply::status(429).header("retry-after", "7");
    piston.script([Behavior::from(busy), Behavior::Run]);
    piston.script_all(Reply::status(500));
    let first = execute(&piston.url(), &body).send().await.unwrap();
    assert_eq!(
        (first.status().as_u16(), &first.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    for status in [200, 500, 500] {
        assert_eq!(answer(&piston, &body).await.0, status);
    }
    piston.recover();
    assert_eq!(answer(&piston, &body).await.0, 200);
    let programs = piston.programs();
    assert_eq!(programs.len(), 5);
    assert_eq!(programs[4].json(), body);
}

#[tokio::test]
async fn latency_passes_before_each_answer_to_a_program() {
    let piston = start(StandinOptions {
        latency: Duration::from_hours(1),
        ..StandinOptions::default()
    })
    .await;
    let (url, body) = (piston.url(), program("python", ""));
    let delayed = execute(&url, &body).send();
    let others = async {
        piston.wait_for_programs(1).await;
        get(&piston, "/api/v2/runtimes").await
    };
    tokio::select! {
        answer = delayed => panic!("{answer:?}"),
        (status, _) = others => assert_eq!(status, 200),
    }
}
