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
    ///
    /// Shown as `files[0].name`, serialized as the JSON pointer (RFC 6901) `/files/0/name`, empty for the whole body.
    Pointer(#[serde(serialize_with = "as_json_pointer")] String),
    /// A parameter of the query.
    Parameter(&'static str),
    /// A header.
    Header(&'static str),
}

impl ProblemEntry {
    pub(crate) fn new(location: ErrorLocation, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        Self { location, detail }
    }

    /// An error of a field, whose path is written as `files[0].name`.
    pub(crate) fn of_field(path: impl fmt::Display, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorLocation::Pointer(path.to_string()), detail)
    }

    /// The same error, if of a field, of the field below this path.
    pub(super) fn below(mut self, path: &str) -> Self {
        if let ErrorLocation::Pointer(own) = &mut self.location {
            let dot = if own.is_empty() { "" } else { "." };
            *own = format!("{path}{dot}{own}");
        }
        self
    }

    /// Whether it is about this field.
    pub(super) fn is_of_field(&self, path: impl fmt::Display) -> bool {
        matches!(&self.location, ErrorLocation::Pointer(own) if *own == path.to_string())
    }
}

fn as_json_pointer<S: Serializer>(path: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let slash = if path.is_empty() { "" } else { "/" };
    let segments = path.replace(['.', '['], "/").replace(']', "");
    serializer.collect_str(&format_args!("{slash}{segments}"))
}

impl ErrorLocation {
    fn name(&self) -> &str {
        match self {
            Self::Pointer(path) if path.is_empty() => "the body",
            Self::Pointer(path) => path,
            Self::Parameter(name) | Self::Header(name) => name,
        }
    }
}

impl fmt::Display for ProblemEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.location.name(), self.detail)
    }
}
