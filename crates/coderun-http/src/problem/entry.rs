//! Names one error of a request and where it is.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};

/// One error of a request.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct ProblemEntry {
    #[serde(flatten)]
    location: ErrorLocation,
    detail: Cow<'static, str>,
}

/// The place of an error in a request.
#[derive(Debug, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ErrorLocation {
    /// A field of the body.
    Pointer(JsonPointer),
    /// A parameter of the query.
    Parameter(&'static str),
    /// A header.
    Header(&'static str),
}

/// A field of the body: shown as `files[0].name`, serialized as the JSON pointer (RFC 6901) `/files/0/name`, empty for the
/// whole body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JsonPointer(String);

impl ProblemEntry {
    pub(crate) fn new(location: ErrorLocation, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self { location, detail }
    }

    /// An error of a field, whose path is written as `files[0].name`.
    pub(crate) fn of_field(path: impl fmt::Display, detail: impl Into<Cow<'static, str>>) -> Self {
        let pointer = JsonPointer(path.to_string());
        Self::new(ErrorLocation::Pointer(pointer), detail)
    }
}

impl Serialize for JsonPointer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let slash = if self.0.is_empty() { "" } else { "/" };
        let segments = self.0.replace(['.', '['], "/").replace(']', "");
        serializer.collect_str(&format_args!("{slash}{segments}"))
    }
}

impl fmt::Display for JsonPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "the body"
        } else {
            &self.0
        })
    }
}

impl fmt::Display for ErrorLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pointer(pointer) => pointer.fmt(f),
            Self::Parameter(name) | Self::Header(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for ProblemEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.location, self.detail)
    }
}
