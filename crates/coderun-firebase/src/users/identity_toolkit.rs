//! Looks accounts up over HTTP, at Google's Identity Toolkit or the Firebase emulator.

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

/// The bearer token that the emulator accepts from every client.
const EMULATOR_TOKEN: &str = "owner";

/// The accounts of one project, over HTTP.
#[derive(Debug)]
pub(crate) struct IdentityToolkit {
    pub(crate) endpoint: Endpoint,
    pub(crate) project_id: ProjectId,
    pub(crate) client: HttpClient,
    pub(crate) credentials: Credentials,
}

/// How a lookup request authenticates.
#[derive(Debug)]
pub(crate) enum Credentials {
    /// Access tokens of a service account.
    ServiceAccount(AccessTokens),
    /// The token [`EMULATOR_TOKEN`].
    EmulatorOwner,
}

impl IdentityToolkit {
    fn url(&self, id: &AccountId) -> Url {
        let mut segments = vec!["v1", "projects", self.project_id.as_str()];
        if let Some(tenant) = &id.tenant {
            segments.extend(["tenants", tenant.as_str()]);
        }
        segments.push("accounts:lookup");
        self.endpoint.join(&segments)
    }

    async fn post_lookup(
        &self,
        id: &AccountId,
        bearer: &BearerToken,
    ) -> Result<Account, LookupError> {
        let request = PostRequest {
            url: self.url(id),
            bearer: Some(bearer),
            content_type: "application/json",
            body: json!({"localId": [id.user.as_str()]}).to_string(),
        };
        let response = self.client.post(request).await?;
        read_answer(&response, id).map_err(LookupError::Answer)
    }
}

#[async_trait]
impl AccountSource for IdentityToolkit {
    async fn look_up(&self, id: &AccountId) -> Result<Account, LookupError> {
        let Credentials::ServiceAccount(tokens) = &self.credentials else {
            return self
                .post_lookup(id, &BearerToken::new(EMULATOR_TOKEN))
                .await;
        };
        let token = tokens.current().await.map_err(LookupError::Token)?;
        let result = self.post_lookup(id, &token.bearer).await;
        if let Err(LookupError::Refused(_)) = &result {
            // This lookup fails; the next one gets a new token.
            tokens.invalidate(&token);
        }
        result
    }
}
