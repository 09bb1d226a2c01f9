//! Sends the requests that one program needs.

use std::sync::Arc;

use bytes::Bytes;
use coderun_domain::TraceContext;

use super::{Answer, Client, ClientError, SendState};

/// The requests for one program. They belong to its trace, and are prevented together.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) client: Arc<Client>,
    pub(crate) state: SendState,
    pub(crate) trace: Option<TraceContext>,
}

impl Call {
    /// Posts JSON to this path below the base, once.
    pub(crate) async fn post_json(&self, path: &str, body: Bytes) -> Result<Answer, ClientError> {
        let trace = self.trace.as_ref();
        self.client.post_json(path, body, trace, &self.state).await
    }
}
