//! Sends the requests of clients to a service.

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::{Service, Socket, eventually};

impl Service {
    pub(crate) fn get(&self, path: &str, token: &str) -> RequestBuilder {
        self.client.get(self.url(path)).bearer_auth(token)
    }

    pub(crate) fn post(&self, path: &str, token: &str) -> RequestBuilder {
        self.client.post(self.url(path)).bearer_auth(token)
    }

    /// The JSON at a path that answers with 200.
    pub(crate) async fn read(&self, path: &str, token: &str) -> Value {
        let answer = self.get(path, token).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.expect("JSON")
    }

    pub(crate) async fn try_submit(&self, token: &str, body: &Value) -> Response {
        let request = self.post("/api/v1/executions/execute", token).json(body);
        request.send().await.expect("an answer")
    }

    /// Submits and returns the id.
    pub(crate) async fn submit(&self, token: &str, body: &Value) -> String {
        let answer = self.try_submit(token, body).await;
        let status = answer.status();
        let body: Value = answer.json().await.expect("JSON");
        assert_eq!(status, StatusCode::OK, "{body}");
        body["execution_id"].as_str().expect("an id").to_owned()
    }

    pub(crate) async fn try_status(&self, token: &str, id: &str) -> Response {
        let request = self.get(&format!("/api/v1/executions/status/{id}"), token);
        request.send().await.expect("an answer")
    }

    pub(crate) async fn status(&self, token: &str, id: &str) -> Value {
        let answer = self.try_status(token, id).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.expect("JSON")
    }

    /// The answer to a check of this token.
    pub(crate) async fn verify(&self, token: &str) -> Response {
        let request = self.get("/api/v1/auth/verify", token);
        request.send().await.expect("an answer")
    }

    /// The record once it is final.
    pub(crate) async fn final_record(&self, token: &str, id: &str) -> Value {
        eventually("the execution ends", || async {
            let record = self.status(token, id).await;
            (!record["verdict"].is_null()).then_some(record)
        })
        .await
    }

    pub(crate) async fn cancel(&self, token: &str, id: &str) -> Response {
        let request = self.post(&format!("/api/v1/executions/cancel/{id}"), token);
        request.send().await.expect("an answer")
    }

    /// The status and the body of the readiness check.
    pub(crate) async fn readiness(&self) -> (StatusCode, Value) {
        let request = self.client.get(self.url("/health/ready"));
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.json().await.expect("JSON"))
    }

    /// Waits until readiness answers with this status, and returns its body.
    pub(crate) async fn until_readiness_is(&self, wanted: StatusCode) -> Value {
        eventually(&format!("readiness is {wanted}"), || async {
            let (status, ready) = self.readiness().await;
            (status == wanted).then_some(ready)
        })
        .await
    }

    async fn open(&self, id: &str, query: &str) -> Socket {
        let socket = Socket::try_open(&self.address, id, query).await;
        socket.expect("a handshake")
    }

    /// Watches like clients without `since`: a snapshot, then updates.
    pub(crate) async fn watch(&self, token: &str, id: &str) -> Socket {
        self.open(id, &format!("token={token}")).await
    }

    /// Watches all events after this one.
    pub(crate) async fn watch_since(&self, token: &str, id: &str, since: u64) -> Socket {
        self.open(id, &format!("token={token}&since={since}")).await
    }

    /// Submits, watches until the end and returns the final record.
    pub(crate) async fn run(&self, token: &str, body: &Value) -> Value {
        let id = self.submit(token, body).await;
        let (messages, close) = self.watch(token, &id).await.until_closed().await;
        assert_eq!(close, 1000, "{messages:?}");
        self.status(token, &id).await
    }

    /// Runs a program in this language and returns the final record.
    pub(crate) async fn run_code(&self, language: &str, code: &str) -> Value {
        let token = self.token("runner");
        self.run(&token, &json!({"language": language, "code": code}))
            .await
    }
}
