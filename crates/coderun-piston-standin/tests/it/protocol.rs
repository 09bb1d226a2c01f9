//! Routes, refusals and the shapes of answers.

use coderun_piston_standin::{
    FixedResult, Programs, RequiredHeader, Runtime, StageResult, StandinOptions, Version,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::{SOON, fixed, program, with, with_field};

#[tokio::test]
async fn the_root_says_its_version() {
    let (status, body) = fixed().await.get("/").await;
    assert_eq!(
        (status.as_u16(), body.as_str()),
        (200, r#"{"message":"Piston v3.1.1"}"#)
    );
}

#[tokio::test]
async fn runtimes_are_those_of_pistons_packages() {
    let (_, body) = fixed().await.get("/api/v2/runtimes").await;
    let list: serde_json::Value = serde_json::from_str(&body).unwrap();
    let expected = json!([
        {"language": "python", "version": "3.12.0", "aliases": ["py", "py3", "python3", "python3.12"]},
        {"language": "javascript", "version": "20.11.1", "runtime": "node",
         "aliases": ["node-javascript", "node-js", "javascript", "js"]},
        {"language": "c", "version": "10.2.0", "runtime": "gcc", "aliases": ["gcc"]},
        {"language": "c++", "version": "10.2.0", "runtime": "gcc", "aliases": ["cpp", "g++"]},
        {"language": "bash", "version": "5.2.0", "aliases": ["sh"]},
    ]);
    assert_eq!(list, expected);
}

#[tokio::test]
async fn packages_name_each_package_once() {
    let (_, body) = fixed().await.get("/api/v2/packages").await;
    let list: serde_json::Value = serde_json::from_str(&body).unwrap();
    let entry = |language, version| json!({"language": language, "language_version": version, "installed": true});
    let expected = json!([
        entry("python", "3.12.0"),
        entry("node", "20.11.1"),
        entry("gcc", "10.2.0"),
        entry("bash", "5.2.0"),
    ]);
    assert_eq!(list, expected);
}

#[tokio::test]
async fn what_is_nowhere_is_not_found() {
    let asked = fixed().await;
    for path in ["/nowhere", "/api/v2", "/api/v2/execute", "/api/v2/connect"] {
        let (status, body) = asked.get(path).await;
        let expected = (404, r#"{"message":"Not Found"}"#);
        assert_eq!((status.as_u16(), body.as_str()), expected, "{path}");
    }
}

#[tokio::test]
async fn only_json_is_taken_and_only_below_the_api() {
    let asked = fixed().await;
    for (path, content_type, status) in [
        ("/api/v2/execute", "text/plain", 415),
        ("/api/v2/nowhere", "text/plain", 415),
        ("/api/v2/execute", "Application/JSON", 415),
        ("/nowhere", "text/plain", 404),
        ("/api/v2/nowhere", "application/json", 404),
        // The router takes it for JSON, body-parser does not: there is no language in it.
        ("/api/v2/execute", "application/json5", 400),
    ] {
        let request = asked.post(path).header("content-type", content_type);
        let response = request.body("{}").send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{path} {content_type}");
        if status == 415 {
            let body = response.text().await.unwrap();
            assert_eq!(
                body,
                r#"{"message":"requests must be of type application/json"}"#
            );
        }
    }
}

#[tokio::test]
async fn a_refusal_is_a_message() {
    let asked = fixed().await;
    let (status, body) = asked.execute(&program("perl", "")).await;
    assert_eq!(
        (status.as_u16(), body),
        (400, json!({"message": "perl-* runtime is unknown"}))
    );
    let (status, body) = asked.execute(&json!({"language": 5})).await;
    let message = json!({"message": "language is required as a string"});
    assert_eq!((status.as_u16(), body), (400, message));
    let null = with_field(program("python", ""), "files", json!([null]));
    assert_eq!(asked.execute(&null).await.1, json!({}));
    assert_eq!(asked.standin.executions_begun(), 0);
}

#[tokio::test]
async fn malformed_json_is_a_stack() {
    let asked = fixed().await;
    let request = asked
        .post("/api/v2/execute")
        .header("content-type", "application/json");
    let response = request.body("{\"language\":}").send().await.unwrap();
    assert_eq!(response.status(), 400);
    let body: serde_json::Value = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap();
    let stack = body["stack"].as_str().unwrap();
    let error = "SyntaxError: Unexpected token } in JSON at position 12\n";
    assert!(stack.starts_with(error), "{stack}");
}

#[tokio::test]
async fn an_interpreted_program_has_no_compile_stage() {
    let asked = fixed().await;
    let response = asked.request(&program("py", "")).send().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/json; charset=utf-8"
    );
    let expected = concat!(
        r#"{"run":{"signal":null,"stdout":"Hello, World!\n","stderr":"","code":0,"output":"Hello, World!\n","#,
        r#""memory":1204000,"message":null,"status":null,"cpu_time":11,"wall_time":29},"#,
        r#""language":"python","version":"3.12.0"}"#,
    );
    assert_eq!(response.text().await.unwrap(), expected);
}

#[tokio::test]
async fn after_a_failed_compilation_the_run_is_its_copy() {
    let compile = StageResult {
        stderr: "error\n".to_owned(),
        output: "error\n".to_owned(),
        ..StageResult::exited(1, "")
    };
    let asked = with(StandinOptions {
        programs: Programs::Fixed(FixedResult {
            compile: Some(compile),
            run: None,
            ..FixedResult::default()
        }),
        ..StandinOptions::default()
    })
    .await;
    let result = asked.run(&program("c", "")).await;
    assert_eq!(result["compile"]["stderr"], "error\n");
    assert_eq!(result["run"], result["compile"]);
}

#[tokio::test]
async fn the_newest_version_in_the_range_answers() {
    let python = |minor| Runtime::new("python", Version::new(3, minor, 1)).unwrap();
    let asked = with(StandinOptions {
        runtimes: Some(vec![python(9), python(12), python(10)]),
        ..StandinOptions::default()
    })
    .await;
    for (range, version) in [("3.x", "3.12.1"), ("<3.12", "3.10.1"), ("3.9.1", "3.9.1")] {
        let body = with_field(program("python3", ""), "version", json!(range));
        assert_eq!(asked.run(&body).await["version"], version, "{range}");
    }
}

#[tokio::test]
async fn without_the_required_header_nothing_is_answered() {
    let asked = with(StandinOptions {
        authorization: Some(RequiredHeader {
            name: "Authorization".to_owned(),
            value: "secret".to_owned(),
        }),
        ..StandinOptions::default()
    })
    .await;
    let body = program("python", "");
    assert_eq!(asked.execute(&body).await.0, 401);
    assert_eq!(asked.get("/api/v2/runtimes").await.0, 401);
    let wrong = asked.request(&body).header("authorization", "secret2");
    assert_eq!(wrong.send().await.unwrap().status(), 401);
    let right = asked.request(&body).header("authorization", "secret");
    assert_eq!(right.send().await.unwrap().status(), 200);
    assert_eq!(asked.standin.executions_begun(), 1);
}

#[tokio::test]
async fn requests_are_counted_by_path_and_the_last_program_is_kept() {
    let asked = fixed().await;
    asked.get("/api/v2/runtimes").await;
    for code in ["1", "2"] {
        asked.run(&program("python", code)).await;
    }
    assert_eq!(asked.standin.requests("/api/v2/runtimes"), 1);
    assert_eq!(asked.standin.requests("/api/v2/execute"), 2);
    assert_eq!(asked.standin.requests("/"), 0);
    let body = asked.standin.last_execute_body().unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body, program("python", "2"));
}

#[tokio::test]
async fn lists_have_their_keys_in_pistons_order() {
    let asked = with(StandinOptions {
        runtimes: Runtime::new("c", Version::new(12, 2, 0)).map(|c| vec![c]),
        ..StandinOptions::default()
    })
    .await;
    assert_eq!(
        asked.get("/api/v2/runtimes").await.1,
        r#"[{"language":"c","version":"12.2.0","aliases":["gcc"],"runtime":"gcc"}]"#
    );
    assert_eq!(
        asked.get("/api/v2/packages").await.1,
        r#"[{"language":"gcc","language_version":"12.2.0","installed":true}]"#
    );
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let asked = fixed().await;
    let mut connection = TcpStream::connect(asked.standin.address()).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: piston\r\n\r\n";
    connection.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let read = connection.read_to_end(&mut answer);
    timeout(SOON, read).await.unwrap().unwrap();
    assert!(answer.ends_with(br#"{"message":"Piston v3.1.1"}"#));
}
