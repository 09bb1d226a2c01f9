//! The conformance suite of token verifiers for Firebase, the Auth emulator and the development issuer.

use std::fs;
use std::sync::Arc;

use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use coderun_conformance::token_verifier::{Signer, TokenIssuer, VerifierUnderTest};
use coderun_domain::testing::{ManualClock, at, user};
use serde_json::json;

use crate::development::{DevelopmentIssuer, TokenRequest};
use crate::emulator::{EmulatorConfig, EmulatorProjects, EmulatorTokenVerifier};
use crate::testing::server::{LoopbackServer, Reply};
use crate::testing::{
    PROJECT, ScriptedKeys, config, header, opened, other_key, sign, sign_with, static_keys,
};
use crate::verifier::FirebaseTokenVerifier;

mod firebase_contract {
    coderun_conformance::token_verifier_tests!(super::firebase);
}
mod emulator_contract {
    coderun_conformance::token_verifier_tests!(super::emulator);
}
mod development_contract {
    coderun_conformance::token_verifier_tests!(super::development);
}

const ISSUER: &str = "https://securetoken.google.com/";

/// Signs with a key that no verifier knows.
fn forge() -> Signer {
    Box::new(|parts| sign_with(parts, other_key(), &RSA_PKCS1_SHA256))
}

async fn firebase(clock: Arc<ManualClock>) -> VerifierUnderTest {
    let offline_clock = Arc::<ManualClock>::clone(&clock);
    let offline =
        FirebaseTokenVerifier::new(config(), Arc::<ScriptedKeys>::default(), offline_clock);
    VerifierUnderTest {
        verifier: Arc::new(FirebaseTokenVerifier::new(config(), static_keys(), clock)),
        offline: Some(Arc::new(offline)),
        issuer: TokenIssuer {
            header: header(),
            audience: PROJECT.to_owned(),
            issuer: format!("{ISSUER}{PROJECT}"),
            sign: Box::new(sign),
            forge: Some(forge()),
        },
        guard: Box::new(()),
    }
}

async fn emulator(clock: Arc<ManualClock>) -> VerifierUnderTest {
    let server = LoopbackServer::emulator(&json!({})).await;
    let broken = LoopbackServer::start(|_| Reply::error(500, json!({}))).await;
    let start = |server: &LoopbackServer| {
        let config = EmulatorConfig {
            host: server.address.to_string().parse().unwrap(),
            verifier: config(),
        };
        let clock = Arc::<ManualClock>::clone(&clock);
        EmulatorTokenVerifier::start(config, EmulatorProjects::DemoOnly, clock).unwrap()
    };
    VerifierUnderTest {
        verifier: Arc::new(start(&server)),
        offline: Some(Arc::new(start(&broken))),
        issuer: TokenIssuer {
            header: json!({"alg": "none", "typ": "JWT"}),
            audience: PROJECT.to_owned(),
            issuer: format!("{ISSUER}{PROJECT}"),
            sign: Box::new(|parts| format!("{parts}.")),
            forge: None,
        },
        guard: Box::new((server, broken)),
    }
}

async fn development(clock: Arc<ManualClock>) -> VerifierUnderTest {
    let directory = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::open(directory.path()).unwrap();
    let pkcs8 = fs::read(directory.path().join("development-issuer-key.der")).unwrap();
    let key = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
    let request = TokenRequest::new(user("alice"));
    let token = issuer.issue(&request, at(0)).unwrap();
    let (header, claims, _) = opened(token.expose());
    VerifierUnderTest {
        verifier: Arc::new(issuer.verifier(clock)),
        offline: None,
        issuer: TokenIssuer {
            header,
            audience: claims["aud"].as_str().unwrap().to_owned(),
            issuer: claims["iss"].as_str().unwrap().to_owned(),
            sign: Box::new(move |parts| sign_with(parts, &key, &RSA_PKCS1_SHA256)),
            forge: Some(forge()),
        },
        guard: Box::new(directory),
    }
}
