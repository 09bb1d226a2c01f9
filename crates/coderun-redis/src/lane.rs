//! Names the lanes: the queues of users, one for each language.

use coderun_domain::Language;

use crate::version::VERSION;

/// The lane of a language. It has the version of the records in it, so that a worker takes only what it can read.
pub(crate) fn lane(language: &Language) -> String {
    format!("{VERSION}:{language}")
}
