//! Attacks by bodies that are dear to parse.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;

use crate::arena::Arena;
use crate::attack::{Attack, Promised};

/// The longest accepted body.
const BODY_BYTES: usize = 2 << 20;
/// The longest answer that says what is wrong with one.
const ANSWER_MAX: usize = 64 << 10;

pub(crate) const HOSTILE_BODIES: Attack = Attack {
    name: "hostile-bodies",
    promise: "One user sends bodies that are deeply nested or have many unknown fields; they get a short error, and others are \
              served.",
    promised: Promised::Always,
    is_light: true,
    settings: &[("USER_SUBMITS_PER_MINUTE", "0")],
    victims: 1,
    run: |arena| Box::pin(hostile_bodies(arena)),
};

async fn hostile_bodies(arena: &Arena) {
    let token = arena.attacker();
    let attack = async {
        for (what, body) in bodies() {
            for _ in 0..arena.scaled(10) {
                let sent =
                    (0..if arena.is_light { 1 } else { 4 }).map(|_| send(arena, &token, &body));
                for (status, length) in join_all(sent).await {
                    let is_right = status.is_client_error() && length <= ANSWER_MAX;
                    arena.check(is_right, || {
                        format!("{what} got {status} and {length} bytes")
                    });
                }
            }
        }
    };
    tokio::join!(attack, arena.watch_victims(1, Duration::from_secs(6)));
}

async fn send(arena: &Arena, token: &str, body: &str) -> (StatusCode, usize) {
    let request = arena.service.post("/api/v1/executions/execute", token);
    let request = request.header(CONTENT_TYPE, "application/json");
    let answer = request
        .body(body.to_owned())
        .send()
        .await
        .expect("an answer");
    (answer.status(), answer.bytes().await.expect("a body").len())
}

fn bodies() -> Vec<(&'static str, String)> {
    let repeated = |text: &str| text.repeat((BODY_BYTES - 100) / text.len());
    let fields = (0..BODY_BYTES / 16).map(|number| format!("\"a{number}\":0,"));
    let submission = |field: &str| format!(r#"{{"language":"bash","code":"exit",{field}}}"#);
    vec![
        ("nested lists", repeated("[")),
        ("nested objects", repeated("{\"a\":")),
        (
            "nested files",
            submission(&format!("\"files\":{}", repeated("["))),
        ),
        (
            "unknown fields",
            format!("{{{}\"z\":0}}", fields.collect::<String>()),
        ),
        (
            "repeated fields",
            format!("{{{}\"code\":0}}", repeated("\"code\":\"exit\",")),
        ),
        (
            "empty files",
            submission(&format!("\"files\":[{}{{}}]", repeated("{},"))),
        ),
        (
            "short arguments",
            submission(&format!("\"args\":[{}\"\"]", repeated("\"\","))),
        ),
        (
            "a long number",
            submission(&format!("\"input_data\":{}", repeated("9"))),
        ),
        (
            "escapes",
            format!("{{\"code\":\"{}\"}}", repeated("\\u0000")),
        ),
    ]
}
