//! Says why a connection failed, without the address that the errors of `reqwest` hold.

use std::error::Error as _;
use std::io;

/// The error of the operating system, if there is one.
pub(super) fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause = error.source();
    while let Some(current) = cause {
        if let Some(error) = current.downcast_ref::<io::Error>()
            && error.kind() != io::ErrorKind::Other
        {
            return error.kind().to_string();
        }
        cause = current.source();
    }
    "the protocol or the certificate is not valid".to_owned()
}
