//! Says why a connection failed, without the address or the texts of a peer that an error may hold.

use std::error::Error;
use std::io;

use tower::timeout::error::Elapsed;

/// The error of the operating system, if there is one.
pub(super) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(current) = cause {
        if current.is::<Elapsed>() {
            return "it took too long".to_owned();
        }
        if let Some(error) = current.downcast_ref::<io::Error>()
            && error.kind() != io::ErrorKind::Other
        {
            return error.kind().to_string();
        }
        cause = current.source();
    }
    "the protocol or the certificate is not valid".to_owned()
}
