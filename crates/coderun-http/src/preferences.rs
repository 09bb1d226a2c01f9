//! Reads the `Prefer` header (RFC 7240).

use std::time::Duration;

use actix_web::http::header::HeaderMap;

/// The longest time that a request may wait for the end of an execution.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// What a client prefers. Preferences that are unknown or malformed are ignored, as the RFC asks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// Answer when the execution is final, or after this time; at most a minute.
    pub(crate) wait: Option<Duration>,
    /// Answer 202 while the execution is not final.
    pub(crate) respond_async: bool,
    /// Cancel the execution if the client leaves while it waits.
    pub(crate) cancel_on_disconnect: bool,
}

impl Preferences {
    /// Of a preference that is given twice the first counts.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut preferences = Self::default();
        let texts = headers
            .get_all("prefer")
            .filter_map(|value| value.to_str().ok());
        for preference in texts.flat_map(|text| text.split(',')) {
            // Parameters of a preference follow after a semicolon; these have none.
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "wait" => preferences.wait = preferences.wait.or_else(|| seconds(value)),
                "respond-async" => preferences.respond_async = true,
                "cancel-on-disconnect" => preferences.cancel_on_disconnect = true,
                _ => {}
            }
        }
        preferences
    }

    /// The same without what needs a wait.
    pub(crate) const fn without_wait(self) -> Self {
        Self {
            wait: None,
            cancel_on_disconnect: false,
            ..self
        }
    }

    /// The value of `Preference-Applied`, if there is any.
    pub(crate) fn applied(&self) -> Option<String> {
        let mut applied = Vec::new();
        if self.respond_async {
            applied.push("respond-async".to_owned());
        }
        if let Some(wait) = self.wait {
            applied.push(format!("wait={}", wait.as_secs()));
            if self.cancel_on_disconnect {
                applied.push("cancel-on-disconnect".to_owned());
            }
        }
        (!applied.is_empty()).then(|| applied.join(", "))
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let digits = text.trim().trim_matches('"');
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // More seconds than fit into the type are more than the maximum.
    let seconds = is_number.then(|| digits.parse().unwrap_or(u64::MAX))?;
    Some(Duration::from_secs(seconds).min(WAIT_MAX))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], None)]
    #[case(&["wait=10"], Some("wait=10"))]
    #[case(&["Wait = \"7\""], Some("wait=7"))]
    #[case(&["wait=0"], Some("wait=0"))]
    #[case(&["wait=61"], Some("wait=60"))]
    #[case(&["wait=99999999999999999999"], Some("wait=60"))]
    #[case(&["wait=1", "wait=2"], Some("wait=1"))]
    #[case(&["wait=x, respond-async"], Some("respond-async"))]
    #[case(&["wait"], None)]
    #[case(&["wait=-1"], None)]
    #[case(&["wait=1.5"], None)]
    #[case(&["return=minimal; foo=\"some parameter\""], None)]
    #[case(&["respond-async", "wait=10;a=b"], Some("respond-async, wait=10"))]
    #[case(&["wait=10, cancel-on-disconnect"], Some("wait=10, cancel-on-disconnect"))]
    #[case(&["cancel-on-disconnect"], None)]
    fn known_preferences_are_read(#[case] texts: &[&str], #[case] applied: Option<&str>) {
        let mut headers = HeaderMap::new();
        for text in texts {
            let value = HeaderValue::from_str(text).unwrap();
            headers.append(HeaderName::from_static("prefer"), value);
        }
        assert_eq!(Preferences::of(&headers).applied().as_deref(), applied);
    }
}
