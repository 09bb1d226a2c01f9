//! Asks the Identity Toolkit of Google, or the emulator's, about a user.

use async_trait::async_trait;
use coderun_domain::BearerToken;
use reqwest::Url;
use serde_json::json;

use super::account::{Account, AccountId};
use super::answer::read_answer;
use super::lookup::AccountSource;
use super::lookup_error::LookupError;
use crate::config::{Endpoint, ProjectId};
use crate::http_client::{HttpClient, PostRequest};
use crate::service_account::AccessTokens;

/// The accounts of one project, over HTTP.
#[derive(Debug)]
pub(crate) struct RemoteAccounts {
    pub(crate) base: Endpoint,
    pub(crate) project_id: ProjectId,
    pub(crate) client: HttpClient,
    pub(crate) credentials: Credentials,
}

/// The credentials of requests about users.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// Access tokens of a service account.
    ServiceAccount(AccessTokens),
    /// The bearer token that the emulator accepts from every client.
    Emulator,
}

impl RemoteAccounts {
    fn url(&self, id: &AccountId) -> Url {
        let mut segments = vec!["v1", "projects", self.project_id.as_str()];
        if let Some(tenant) = &id.tenant {
            segments.extend(["tenants", tenant.as_str()]);
        }
        segments.push("accounts:lookup");
        self.base.join(&segments)
    }

    async fn ask(&self, id: &AccountId, bearer: &BearerToken) -> Result<Account, LookupError> {
        let request = PostRequest {
            url: self.url(id),
            bearer: Some(bearer),
            content_type: "application/json",
            body: json!({"localId": [id.user.as_str()]}).to_string(),
        };
        let answer = self.client.post(request).await?;
        read_answer(&answer, id).map_err(LookupError::Answer)
    }
}

#[async_trait]
impl AccountSource for RemoteAccounts {
    async fn look_up(&self, id: &AccountId) -> Result<Account, LookupError> {
        let Credentials::ServiceAccount(tokens) = &self.credentials else {
            return self.ask(id, &BearerToken::new("owner")).await;
        };
        let token = tokens.current().await.map_err(LookupError::Token)?;
        let answer = self.ask(id, &token.bearer).await;
        if let Err(LookupError::Refused(_)) = &answer {
            tokens.refused(&token);
        }
        answer
    }
}
