//! Reads the answer to `accounts:lookup`.

use coderun_json::{Object, non_null, read_object};
use serde::Deserialize;
use serde::de::IgnoredAny;
use time::OffsetDateTime;

use super::account::{Account, AccountId};
use crate::config::TenantId;

/// The state of the user in an answer to a request about that user.
pub(super) fn read_answer(body: &[u8], asked: &AccountId) -> Result<Account, AnswerError> {
    let answer: Answer = read_object(body).map_err(|_| AnswerError::UnknownForm)?;
    if answer.error.is_some() {
        return Err(AnswerError::UnknownForm);
    }
    let mut users = answer.users.into_iter();
    let Some(Object(user)) = users.next() else {
        return Ok(Account::Absent);
    };
    let tenant = asked.tenant.as_ref().map(TenantId::as_str);
    let is_asked_for = user.local_id == asked.user.as_str()
        && user.tenant_id.is_none_or(|it| Some(it.as_str()) == tenant);
    if users.next().is_some() || !is_asked_for {
        return Err(AnswerError::OtherUser);
    }
    if user.disabled {
        return Ok(Account::Disabled);
    }
    let valid_since = user.valid_since.map(|Seconds(since)| since);
    Ok(Account::Active { valid_since })
}

/// Says what is wrong with an answer, without quoting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AnswerError {
    /// It does not have the form of an answer to `accounts:lookup`.
    #[error("the answer does not have the form of `accounts:lookup`")]
    UnknownForm,
    /// It is about another user.
    #[error("the answer is about another user")]
    OtherUser,
}

#[derive(Deserialize)]
struct Answer {
    /// Left out if there is no such user.
    #[serde(default)]
    users: Vec<Object<User>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User {
    local_id: String,
    #[serde(default, deserialize_with = "non_null")]
    tenant_id: Option<String>,
    #[serde(default)]
    disabled: bool,
    #[serde(default, deserialize_with = "non_null")]
    valid_since: Option<Seconds>,
}

/// Whole seconds since 1970, written as a text.
#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Seconds(OffsetDateTime);

impl TryFrom<String> for Seconds {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        is_plain
            .then(|| text.parse().ok())
            .flatten()
            .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
            .map(Self)
            .ok_or("not a time in whole seconds")
    }
}

#[cfg(test)]
mod tests {
    use coderun_domain::testing::at;
    use rstest::rstest;

    use super::*;
    use crate::users::testing::account_id;

    fn alice(tenant: Option<&str>) -> AccountId {
        account_id("alice", tenant)
    }

    fn about(fields: &str) -> String {
        format!(r#"{{"kind":"x","users":[{{"localId":"alice"{fields}}}]}}"#)
    }

    #[rstest]
    #[case::usual("", Account::Active { valid_since: None })]
    #[case::enabled(r#","disabled":false"#, Account::Active { valid_since: None })]
    #[case::disabled(r#","disabled":true,"validSince":"1800000005""#, Account::Disabled)]
    #[case::revoked(
        r#","validSince":"1800000005""#,
        Account::Active { valid_since: Some(at(5)) }
    )]
    #[case::with_more(
        r#","email":"a@b.c","providerUserInfo":[{"a":null}],"lastLoginAt":"1""#,
        Account::Active { valid_since: None }
    )]
    fn an_answer_is_read(#[case] fields: &str, #[case] expected: Account) {
        let body = about(fields);
        assert_eq!(read_answer(body.as_bytes(), &alice(None)), Ok(expected));
    }

    #[rstest]
    #[case::nothing("{}")]
    #[case::usual(r#"{"kind":"identitytoolkit#GetAccountInfoResponse"}"#)]
    #[case::none(r#"{"users":[]}"#)]
    fn a_user_may_be_absent(#[case] body: &str) {
        assert_eq!(
            read_answer(body.as_bytes(), &alice(None)),
            Ok(Account::Absent)
        );
    }

    #[rstest]
    #[case::empty("")]
    #[case::page("<html></html>")]
    #[case::null("null")]
    #[case::array("[]")]
    #[case::array_around(r#"[{"users":[{"localId":"alice"}]}]"#)]
    #[case::text(r#""users""#)]
    #[case::cut_off(r#"{"users":[{"localId":"alice"}"#)]
    #[case::two_objects("{}{}")]
    #[case::error(r#"{"error":{"code":400}}"#)]
    #[case::users_null(r#"{"users":null}"#)]
    #[case::users_object(r#"{"users":{"localId":"alice"}}"#)]
    #[case::users_twice(r#"{"users":[],"users":[]}"#)]
    #[case::user_null(r#"{"users":[null]}"#)]
    #[case::user_array(r#"{"users":[["alice",null,false,null]]}"#)]
    #[case::no_id(r#"{"users":[{"disabled":false}]}"#)]
    #[case::id_number(r#"{"users":[{"localId":1}]}"#)]
    #[case::id_twice(&about(r#","localId":"alice""#))]
    #[case::disabled_text(&about(r#","disabled":"true""#))]
    #[case::disabled_number(&about(r#","disabled":1"#))]
    #[case::disabled_null(&about(r#","disabled":null"#))]
    #[case::disabled_twice(&about(r#","disabled":true,"disabled":false"#))]
    #[case::since_number(&about(r#","validSince":1800000000"#))]
    #[case::since_null(&about(r#","validSince":null"#))]
    #[case::since_empty(&about(r#","validSince":"""#))]
    #[case::since_negative(&about(r#","validSince":"-1""#))]
    #[case::since_plus(&about(r#","validSince":"+1""#))]
    #[case::since_fraction(&about(r#","validSince":"1.5""#))]
    #[case::since_far(&about(r#","validSince":"253402300800""#))]
    #[case::since_beyond_64_bits(&about(r#","validSince":"18446744073709551616""#))]
    #[case::not_utf8("\u{fffd}")]
    fn another_form_is_refused(#[case] body: &str) {
        assert_eq!(
            read_answer(body.as_bytes(), &alice(None)),
            Err(AnswerError::UnknownForm)
        );
    }

    #[rstest]
    #[case::another_user(None, r#"{"users":[{"localId":"bob"}]}"#)]
    #[case::another_case(None, r#"{"users":[{"localId":"Alice"}]}"#)]
    #[case::two_users(None, r#"{"users":[{"localId":"alice"},{"localId":"alice"}]}"#)]
    #[case::of_a_tenant(None, r#"{"users":[{"localId":"alice","tenantId":"t"}]}"#)]
    #[case::of_another_tenant(Some("t"), r#"{"users":[{"localId":"alice","tenantId":"u"}]}"#)]
    fn an_answer_about_another_user_is_refused(#[case] tenant: Option<&str>, #[case] body: &str) {
        assert_eq!(
            read_answer(body.as_bytes(), &alice(tenant)),
            Err(AnswerError::OtherUser)
        );
    }

    #[rstest]
    #[case::named(r#"{"users":[{"localId":"alice","tenantId":"t"}]}"#)]
    #[case::not_named(r#"{"users":[{"localId":"alice"}]}"#)]
    fn a_user_of_a_tenant_is_read(#[case] body: &str) {
        assert_eq!(
            read_answer(body.as_bytes(), &alice(Some("t"))),
            Ok(Account::Active { valid_since: None })
        );
    }
}
