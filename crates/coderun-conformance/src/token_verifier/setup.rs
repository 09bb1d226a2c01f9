//! Defines the verifier under test, and makes tokens of all kinds with its issuer.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coderun_domain::testing::ManualClock;
use coderun_domain::{BearerToken, Clock as _, Principal, TokenVerifier, VerifyError};
use serde_json::{Value, json};

use crate::FromSetup;

/// Signs the first two parts of a token, which need not be well-formed.
pub type Signer = Box<dyn Fn(&str) -> String + Send + Sync>;

/// Makes the tokens that a verifier accepts.
pub struct TokenIssuer {
    /// The header of its tokens.
    pub header: Value,
    /// The project that its tokens are for.
    pub audience: String,
    /// The name that it gives itself in its tokens.
    pub issuer: String,
    /// Signs a token as the issuer does it.
    pub sign: Signer,
    /// Signs a token as another issuer of the same name; `None` where any issuer can sign.
    pub forge: Option<Signer>,
}

/// A verifier that belongs to one clause. Its skew is a minute, its tokens are at most 8 KiB long, live for a day at most,
/// and have no tenant; all else is as usual.
pub struct VerifierUnderTest {
    /// The verifier.
    pub verifier: Arc<dyn TokenVerifier>,
    /// The same, but what it asks about keys or users cannot be reached; `None` if it asks nothing.
    pub offline: Option<Arc<dyn TokenVerifier>>,
    /// The issuer of its tokens.
    pub issuer: TokenIssuer,
    /// Whatever is to live as long as the verifier, such as a server.
    pub guard: Box<dyn Any + Send + Sync>,
}

/// An adapter's constructor, from a clock to a verifier of its own, in the hands of a clause.
pub struct VerifierSetup<New>(pub New);

impl<New, Made> FromSetup<VerifierSetup<New>> for Verifier
where
    New: FnOnce(Arc<ManualClock>) -> Made + Send,
    Made: Future<Output = VerifierUnderTest> + Send,
{
    async fn from_setup(setup: VerifierSetup<New>) -> Self {
        let clock = Arc::new(ManualClock::default());
        let now = clock.now().unix_timestamp();
        let under_test = (setup.0)(Arc::clone(&clock)).await;
        Self {
            under_test,
            clock,
            now,
        }
    }
}

/// The verifier of one clause, and tokens for it.
pub struct Verifier {
    under_test: VerifierUnderTest,
    pub(crate) clock: Arc<ManualClock>,
    /// The second at which the clock was set first, and good tokens were issued.
    pub(crate) now: i64,
}

impl Verifier {
    pub(crate) fn issuer(&self) -> &TokenIssuer {
        &self.under_test.issuer
    }

    pub(crate) fn offline(&self) -> Option<&dyn TokenVerifier> {
        self.under_test.offline.as_deref()
    }

    /// The header of a good token.
    pub(crate) fn header(&self) -> Value {
        self.issuer().header.clone()
    }

    /// The claims of a good token of Alice.
    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": self.issuer().issuer,
            "aud": self.issuer().audience,
            "auth_time": self.now - 100,
            "user_id": "alice",
            "sub": "alice",
            "iat": self.now,
            "exp": self.now + 3600,
            "email": "alice@example.com",
            "email_verified": true,
            "name": "Alice",
            "firebase": {
                "identities": {"email": ["alice@example.com"]},
                "sign_in_provider": "password",
            },
        })
    }

    /// Good claims, but for this one.
    pub(crate) fn claims_with(&self, name: &str, value: impl Into<Value>) -> Value {
        with(self.claims(), name, value)
    }

    /// A good token.
    pub(crate) fn good(&self) -> String {
        self.token_of(self.header().to_string(), self.claims().to_string())
    }

    /// A token with these claims and a good header.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_of(self.header().to_string(), claims.to_string())
    }

    /// A token with this header and good claims.
    pub(crate) fn token_with_header(&self, header: &Value) -> String {
        self.token_of(header.to_string(), self.claims().to_string())
    }

    /// A token of any two texts.
    pub(crate) fn token_of(&self, header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
        (self.issuer().sign)(&format!("{}.{}", encode(header), encode(claims)))
    }

    /// A token with this text in place of its claims.
    pub(crate) fn token_of_text(&self, claims: impl AsRef<[u8]>) -> String {
        self.token_of(self.header().to_string(), claims)
    }

    /// The principal or the reason for the refusal, twice: what is remembered of the first time must not matter.
    pub(crate) async fn verdict(&self, token: &str) -> &'static str {
        let first = reason(&self.verify(token).await);
        assert_eq!(reason(&self.verify(token).await), first, "the second time");
        first
    }

    pub(crate) async fn verify(&self, token: &str) -> Result<Principal, VerifyError> {
        let token = BearerToken::new(token);
        self.under_test.verifier.verify(&token).await
    }

    pub(crate) async fn check(&self) -> Result<(), VerifyError> {
        self.under_test.verifier.check().await
    }

    /// Asserts of each token that the verdict on it is this one.
    pub(crate) async fn assert_all<Name: fmt::Debug>(
        &self,
        expected: &str,
        tokens: impl IntoIterator<Item = (Name, String)>,
    ) {
        let mut wrong = Vec::new();
        for (name, token) in tokens {
            let found = self.verdict(&token).await;
            if found != expected {
                wrong.push((name, found));
            }
        }
        assert!(wrong.is_empty(), "not {expected}: {wrong:#?}");
    }

    /// Asserts the verdict on tokens that need no other names.
    pub(crate) async fn assert_tokens(
        &self,
        expected: &str,
        tokens: impl IntoIterator<Item = String>,
    ) {
        let named = tokens.into_iter().map(|token| (token.clone(), token));
        self.assert_all(expected, named).await;
    }

    /// Asserts the verdict on tokens that are good but for each of these values of a claim.
    pub(crate) async fn assert_claims(&self, expected: &str, name: &str, values: Value) {
        let token = |value: &Value| {
            let token = self.token(&self.claims_with(name, value.clone()));
            (value.clone(), token)
        };
        let tokens = values.as_array().unwrap().iter().map(token);
        self.assert_all(expected, tokens).await;
    }

    /// Asserts the verdict on tokens that are good but for each of these values of a field of the header.
    pub(crate) async fn assert_headers(&self, expected: &str, name: &str, values: Value) {
        let token = |value: &Value| {
            let header = with(self.header(), name, value.clone());
            (value.clone(), self.token_with_header(&header))
        };
        let tokens = values.as_array().unwrap().iter().map(token);
        self.assert_all(expected, tokens).await;
    }

    /// Asserts the verdict on tokens with these texts in place of their claims.
    pub(crate) async fn assert_texts(
        &self,
        expected: &str,
        texts: impl IntoIterator<Item: AsRef<[u8]>>,
    ) {
        let named = texts.into_iter().map(|text| {
            let name = String::from_utf8_lossy(text.as_ref()).into_owned();
            (name, self.token_of_text(text))
        });
        self.assert_all(expected, named).await;
    }

    /// Asserts the verdict on tokens of each of these users.
    pub(crate) async fn assert_subjects(&self, expected: &str, subjects: &[&str]) {
        let claims = |sub| with(self.claims_with("sub", sub), "user_id", sub);
        let tokens = subjects.iter().map(|sub| (sub, self.token(&claims(*sub))));
        self.assert_all(expected, tokens).await;
    }

    /// Asserts the verdict on tokens of each of these periods: when it was issued and when it expires.
    pub(crate) async fn assert_periods(&self, expected: &str, periods: &[(i64, i64)]) {
        let claims = |(iat, exp)| with(self.claims_with("iat", iat), "exp", exp);
        let tokens = periods.iter().map(|it| (it, self.token(&claims(*it))));
        self.assert_all(expected, tokens).await;
    }
}

/// The word for a result.
pub(crate) fn reason<T>(result: &Result<T, VerifyError>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(error) => error.reason(),
    }
}

pub(crate) fn encode(part: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(part)
}

/// An object with one more or another field; `null` is a value like any other.
pub(crate) fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    object[name] = value.into();
    object
}

/// An object without these fields.
pub(crate) fn without(mut object: Value, names: &[&str]) -> Value {
    for name in names {
        object.as_object_mut().unwrap().remove(*name).unwrap();
    }
    object
}

/// The text of an object whose field stands there as this literal, which need not be JSON.
pub(crate) fn with_literal(object: Value, name: &str, literal: &str) -> String {
    with(object, name, "HERE")
        .to_string()
        .replace("\"HERE\"", literal)
}

/// JSON with spaces in front, until its base64url leaves bits unused.
pub(crate) fn json_with_spare_bits(json: &Value) -> String {
    let mut text = json.to_string();
    while text.len().is_multiple_of(3) {
        text.insert(0, ' ');
    }
    text
}
