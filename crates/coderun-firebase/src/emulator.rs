//! Verifies the unsigned tokens of the Firebase Auth emulator.
//!
//! Every client can make such a token, so its verifier is a type of its own: it shares the rules for claims with
//! [`FirebaseTokenVerifier`](crate::FirebaseTokenVerifier), and neither of the two can be set up to accept the tokens
//! of the other.

mod host;
mod verifier;

pub use host::EmulatorHost;
pub use verifier::{EmulatorConfig, EmulatorError, EmulatorProjects, EmulatorTokenVerifier};
