//! Checks the claims of a token; key and signature are checked elsewhere.

use coderun_domain::{Principal, UserId, VerifyError};
use coderun_json::{Object, non_null, read_object};
use serde::Deserialize;
use serde::de::IgnoredAny;
use time::OffsetDateTime;

use crate::config::{
    AnonymousUsers, EmailPolicy, SignInProviders, TenantId, TenantPolicy, UserPolicy,
    VerifierConfig,
};
use crate::users::AccountId;

/// The claims that matter. Every other claim is allowed and ignored.
#[derive(Deserialize)]
pub(crate) struct Claims {
    iss: String,
    aud: String,
    sub: String,
    exp: Timestamp,
    iat: Timestamp,
    auth_time: Timestamp,
    #[serde(default, deserialize_with = "non_null")]
    nbf: Option<Timestamp>,
    #[serde(default, deserialize_with = "non_null")]
    user_id: Option<String>,
    #[serde(default, deserialize_with = "non_null")]
    firebase: Option<Object<FirebaseClaim>>,
    #[serde(default, deserialize_with = "non_null")]
    email: Option<String>,
    #[serde(default, deserialize_with = "non_null")]
    email_verified: Option<bool>,
    #[serde(default, deserialize_with = "non_null")]
    name: Option<String>,
}

/// The claim of Firebase about the sign-in.
#[derive(Default, Deserialize)]
struct FirebaseClaim {
    #[serde(default, deserialize_with = "non_null")]
    sign_in_provider: Option<String>,
    #[serde(default, deserialize_with = "non_null")]
    tenant: Option<String>,
    /// Unused, but it must not be given twice.
    #[serde(default, rename = "identities")]
    _identities: Option<IgnoredAny>,
}

/// Whole seconds since 1970, up to the year 9999.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct Timestamp(OffsetDateTime);

impl TryFrom<u64> for Timestamp {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, Self::Error> {
        i64::try_from(seconds)
            .ok()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .map(Self)
            .ok_or("not a time before the year 10000")
    }
}

/// Claims that are good now, if the signature is.
pub(crate) struct CheckedClaims {
    user: AcceptedUser,
    sign_in_provider: Option<String>,
}

/// A user that token and policy accept; their current state is still to be looked up.
#[derive(Debug, Clone)]
pub(crate) struct AcceptedUser {
    pub(crate) principal: Principal,
    /// The time of the sign-in; tokens that are renewed later keep it.
    pub(crate) auth_time: OffsetDateTime,
    pub(crate) tenant: Option<TenantId>,
}

impl AcceptedUser {
    /// The account whose state is to be looked up.
    pub(crate) fn account_id(&self) -> AccountId {
        AccountId {
            user: self.principal.user.clone(),
            tenant: self.tenant.clone(),
        }
    }
}

/// Reads and checks the claims of a token, except those that only the policy for users concerns.
pub(crate) fn check_claims(
    bytes: &[u8],
    config: &VerifierConfig,
    now: OffsetDateTime,
) -> Result<CheckedClaims, VerifyError> {
    let mut claims: Claims = read_object(bytes).map_err(|_| VerifyError::Malformed)?;
    check_audience(&claims, config)?;
    let user = check_subject(&claims)?;
    let Object(firebase) = claims.firebase.take().ok_or(VerifyError::Subject)?;
    check_times(&claims, config, now)?;
    let tenant = check_tenant(firebase.tenant, &config.tenants)?;
    Ok(CheckedClaims {
        user: AcceptedUser {
            principal: Principal {
                user,
                expires_at: claims.exp.0,
                email: claims.email,
                name: claims.name,
                email_verified: claims.email_verified,
            },
            auth_time: claims.auth_time.0,
            tenant,
        },
        sign_in_provider: firebase.sign_in_provider,
    })
}

impl CheckedClaims {
    /// The user, if the policy accepts them. To be called once the signature is verified: the sender of a forged token must
    /// not learn which users the policy accepts.
    pub(crate) fn accept(self, policy: &UserPolicy) -> Result<AcceptedUser, VerifyError> {
        let principal = &self.user.principal;
        let provider = self.sign_in_provider.as_deref();
        let email_passes = match policy.email {
            EmailPolicy::Any => true,
            EmailPolicy::Verified => {
                principal.email.is_some() && principal.email_verified == Some(true)
            }
        };
        let provider_passes = match &policy.providers {
            SignInProviders::Any => true,
            SignInProviders::Only(names) => provider.is_some_and(|name| names.contains(name)),
        };
        let anonymity_passes = match policy.anonymous {
            AnonymousUsers::Accepted => true,
            AnonymousUsers::Refused => provider.is_some_and(|name| name != "anonymous"),
        };
        if email_passes && provider_passes && anonymity_passes {
            Ok(self.user)
        } else {
            Err(VerifyError::Forbidden)
        }
    }
}

fn check_audience(claims: &Claims, config: &VerifierConfig) -> Result<(), VerifyError> {
    let project_id = config.project_id.as_str();
    if claims.aud != project_id {
        return Err(VerifyError::Audience);
    }
    if claims.iss.strip_prefix(config.issuer.prefix()) != Some(project_id) {
        return Err(VerifyError::Issuer);
    }
    Ok(())
}

fn check_subject(claims: &Claims) -> Result<UserId, VerifyError> {
    if claims.user_id.as_ref().is_some_and(|it| *it != claims.sub) {
        return Err(VerifyError::Subject);
    }
    UserId::parse(&claims.sub).map_err(|_| VerifyError::Subject)
}

fn check_times(
    claims: &Claims,
    config: &VerifierConfig,
    now: OffsetDateTime,
) -> Result<(), VerifyError> {
    let skew = config.clock_skew.as_duration();
    if now - claims.exp.0 >= skew {
        return Err(VerifyError::Expired);
    }
    let starts = [Some(claims.iat), Some(claims.auth_time), claims.nbf];
    let is_early = |start: Timestamp| start.0 - now > skew;
    if starts.into_iter().flatten().any(is_early) {
        return Err(VerifyError::NotYetValid);
    }
    let lifetime = claims.exp.0 - claims.iat.0;
    if !lifetime.is_positive() || lifetime > config.lifetime_max {
        return Err(VerifyError::Malformed);
    }
    Ok(())
}

fn check_tenant(
    tenant: Option<String>,
    policy: &TenantPolicy,
) -> Result<Option<TenantId>, VerifyError> {
    // A tenant with a malformed name is refused under every policy, so that it never becomes a part of a URL.
    let tenant = tenant
        .map(TenantId::parse)
        .transpose()
        .map_err(|_| VerifyError::Tenant)?;
    let accepted = match policy {
        TenantPolicy::Refused => tenant.is_none(),
        TenantPolicy::Only(expected) => tenant.as_ref() == Some(expected),
        TenantPolicy::Any => true,
    };
    accepted.then_some(tenant).ok_or(VerifyError::Tenant)
}

#[cfg(test)]
mod tests;
