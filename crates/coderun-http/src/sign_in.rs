//! Describes how people sign in on the page, and issues tokens to it for development.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{BackendError, BearerToken};

/// How people sign in on the page.
#[derive(Debug, Clone)]
pub enum SignIn {
    /// Not at all: who opens the page on this very machine is given a token. Where the server listens on another address than
    /// a loopback one, nobody is.
    Development(Arc<dyn DevelopmentTokens>),
    /// With Firebase.
    Firebase {
        /// The key of the project for web pages, which is no secret.
        api_key: String,
        /// The host of the page for sign-in, without scheme, port and path.
        auth_domain: String,
        /// The id of the project.
        project_id: String,
    },
    /// With the Auth emulator of Firebase.
    Emulator {
        /// Its host and port.
        host: String,
        /// The id of the project.
        project_id: String,
    },
}

impl SignIn {
    /// Whether it works on a server that listens on this address.
    pub(crate) fn works_on(&self, listener: SocketAddr) -> bool {
        match self {
            Self::Development(_) => is_loopback(listener),
            Self::Firebase { .. } | Self::Emulator { .. } => true,
        }
    }
}

/// Issues tokens to the page, always for the same user.
pub trait DevelopmentTokens: fmt::Debug + Send + Sync + 'static {
    /// Issues a token that is valid from now on. May block for some milliseconds.
    ///
    /// # Errors
    /// If the token cannot be signed, which is a defect.
    fn issue(&self) -> Result<DevelopmentToken, BackendError>;
}

/// A token for development.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevelopmentToken {
    /// The token.
    pub token: BearerToken,
    /// The time for which it is valid.
    pub lifetime: Duration,
}

/// Whether only this machine uses the address.
pub(crate) fn is_loopback(address: SocketAddr) -> bool {
    let address: IpAddr = address.ip().to_canonical();
    address.is_loopback()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[derive(Debug)]
    struct NoTokens;

    impl DevelopmentTokens for NoTokens {
        fn issue(&self) -> Result<DevelopmentToken, BackendError> {
            Err("none".into())
        }
    }

    #[rstest]
    #[case("127.0.0.1:8001", true)]
    #[case("127.9.9.9:8001", true)]
    #[case("[::1]:8001", true)]
    #[case("[::ffff:127.0.0.1]:8001", true)]
    #[case("0.0.0.0:8001", false)]
    #[case("[::]:8001", false)]
    #[case("192.168.0.2:8001", false)]
    #[case("[::ffff:192.168.0.2]:8001", false)]
    fn development_tokens_are_for_listeners_of_this_machine_alone(
        #[case] listener: SocketAddr,
        #[case] works: bool,
    ) {
        let development = SignIn::Development(Arc::new(NoTokens));
        assert_eq!(development.works_on(listener), works);
        let emulator = SignIn::Emulator {
            host: "127.0.0.1:9099".to_owned(),
            project_id: "demo-p".to_owned(),
        };
        assert!(emulator.works_on(listener));
    }
}
