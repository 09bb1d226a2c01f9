//! Makes HTTP requests, as `alice` unless a test says otherwise.

use std::pin::Pin;

use coderun_domain::ExecutionId;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Server, in_time, specification};

/// A request that is sent when it is awaited.
pub(crate) struct Request {
    method: Method,
    path: String,
    builder: RequestBuilder,
    token: Option<&'static str>,
}

/// The smallest valid submission.
pub(crate) fn valid() -> Value {
    json!({"code": "x", "language": "python"})
}

/// A received response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Server {
    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> Request {
        Request {
            builder: self.client.request(method.clone(), self.url(path)),
            method,
            path: path.to_owned(),
            token: Some("alice"),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// Reads the record of an execution.
    pub(crate) fn status(&self, id: ExecutionId) -> Request {
        self.get(&format!("/api/v1/executions/status/{id}"))
    }

    /// Submits this body.
    pub(crate) fn submit(&self, body: &Value) -> Request {
        self.submit_text("application/json", body.to_string())
    }

    /// Submits a body that need not be JSON.
    pub(crate) fn submit_text(
        &self,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Request {
        let request = self.post("/api/v1/executions/execute").body(body);
        request.header("content-type", content_type)
    }
}

impl Request {
    /// Sends another token than `alice`.
    pub(crate) fn token(self, token: &'static str) -> Self {
        let token = Some(token);
        Self { token, ..self }
    }

    /// Sends no `Authorization` header, unless [`header`](Self::header) adds it.
    pub(crate) fn anonymous(self) -> Self {
        Self {
            token: None,
            ..self
        }
    }

    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let value = reqwest::header::HeaderValue::from_bytes(value.as_ref()).unwrap();
        let builder = self.builder.header(name, value);
        Self { builder, ..self }
    }

    pub(crate) fn body(self, body: impl Into<reqwest::Body>) -> Self {
        let builder = self.builder.body(body);
        Self { builder, ..self }
    }

    /// Sends the request and leaves its body unread.
    pub(crate) async fn send(self) -> reqwest::Response {
        let builder = match self.token {
            Some(token) => self.builder.bearer_auth(token),
            None => self.builder,
        };
        in_time(builder.send()).await.unwrap()
    }
}

impl IntoFuture for Request {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let (method, path) = (self.method.clone(), self.path.clone());
            let answer = Answer::of(self.send().await).await;
            specification::check(&method, &path, &answer);
            answer
        })
    }
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that the answer is a problem of this status, and returns it.
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], "about:blank");
        for member in ["title", "detail", "instance"] {
            assert!(problem[member].is_string(), "{member} of {problem}");
        }
        assert_ne!(self.header("x-request-id"), "");
        problem
    }
}
