//! Measures the cost of a verification: CPU time of this thread, the median of several rounds.
//!
//! `cargo bench -p coderun-firebase --bench verify`; an argument that is a number says how many tokens make a round.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coderun_domain::testing::{ManualClock, at, user};
use coderun_domain::{BearerToken, TokenVerifier as _};
use coderun_firebase::{DevelopmentIssuer, FirebaseTokenVerifier, TokenRequest};
use rustix::time::{ClockId, clock_gettime};

type Failure = Box<dyn std::error::Error>;

const ROUNDS: usize = 9;

fn main() -> Result<(), Failure> {
    let count = std::env::args().find_map(|argument| argument.parse().ok());
    let count = count.unwrap_or(2_000);
    let directory = tempfile::tempdir()?;
    let issuer = DevelopmentIssuer::open(directory.path())?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(measure_all(&issuer, count))
}

async fn measure_all(issuer: &DevelopmentIssuer, count: usize) -> Result<(), Failure> {
    let tokens = tokens(issuer, count)?;
    let junk = tokens
        .iter()
        .map(with_other_claims)
        .collect::<Option<Vec<_>>>();
    let junk = junk.ok_or("a token without parts")?;
    print_row("token bytes", average_length(&tokens), "");

    let (mut first, mut again, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    let (mut hashes, mut signatures) = (Vec::new(), Vec::new());
    let rsa = Rsa::new()?;
    for _ in 0..ROUNDS {
        hashes.push(hashing(&tokens));
        signatures.push(rsa.verifying(count)?);
        let verifier = issuer.verifier(Arc::new(ManualClock::default()));
        first.push(accepted(&verifier, &tokens).await?);
        again.push(accepted(&verifier, &tokens).await?);
        refused.push(rejected(&verifier, &junk).await?);
    }
    print_row("SHA-256 alone, us", median(hashes), "");
    print_row("RSA alone, us", median(signatures), "");
    print_row("first seen, us", median(first), "<= 23");
    print_row("repeated, us", median(again), "<= 0.65");
    print_row("junk before RSA, us", median(refused), "<= 2");
    Ok(())
}

/// Tokens of about the length of Firebase's, each for another user.
fn tokens(issuer: &DevelopmentIssuer, count: usize) -> Result<Vec<BearerToken>, Failure> {
    let token = |number: usize| {
        let mut request = TokenRequest::new(user(&format!("user-{number:023}")));
        request.email = Some(format!("user-{number}@example.com"));
        request.name = Some("A name of usual length".to_owned());
        Ok(issuer.issue(&request, at(0))?)
    };
    (0..count).map(token).collect()
}

/// The same token with other claims, which its signature does not fit.
fn with_other_claims(token: &BearerToken) -> Option<BearerToken> {
    let mut parts = token.expose().split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    let claims = claims.replacen("coderun-development", "coderun-else-where-", 1);
    let claims = URL_SAFE_NO_PAD.encode(claims);
    Some(BearerToken::new(format!("{header}.{claims}.{signature}")))
}

#[expect(clippy::cast_precision_loss, reason = "a measurement is not exact")]
fn average_length(tokens: &[BearerToken]) -> f64 {
    let sum: usize = tokens.iter().map(|token| token.expose().len()).sum();
    sum as f64 / tokens.len() as f64
}

async fn accepted(
    verifier: &FirebaseTokenVerifier,
    tokens: &[BearerToken],
) -> Result<f64, Failure> {
    let started = cpu_time();
    for token in tokens {
        verifier.verify(token).await?;
    }
    Ok(micros_each(started, tokens.len()))
}

async fn rejected(
    verifier: &FirebaseTokenVerifier,
    tokens: &[BearerToken],
) -> Result<f64, Failure> {
    let started = cpu_time();
    for token in tokens {
        if verifier.verify(token).await.is_ok() {
            return Err("junk was accepted".into());
        }
    }
    Ok(micros_each(started, tokens.len()))
}

/// The part of a repeated token that no verifier can save.
fn hashing(tokens: &[BearerToken]) -> f64 {
    let started = cpu_time();
    for token in tokens {
        black_box(digest(&SHA256, token.expose().as_bytes()));
    }
    micros_each(started, tokens.len())
}

/// The part of a first token that no verifier can save: one signature with a key that is taken apart.
struct Rsa {
    key: ParsedPublicKey,
    signature: Vec<u8>,
}

impl Rsa {
    fn new() -> Result<Self, Failure> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            MESSAGE,
            &mut signature,
        )?;
        let key = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key())?;
        Ok(Self { key, signature })
    }

    fn verifying(&self, count: usize) -> Result<f64, Failure> {
        let started = cpu_time();
        for _ in 0..count {
            self.key.verify_sig(MESSAGE, &self.signature)?;
        }
        Ok(micros_each(started, count))
    }
}

const MESSAGE: &[u8] = &[0x61; 600];

/// The CPU time that this thread has used.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanos)
}

#[expect(clippy::cast_precision_loss, reason = "a measurement is not exact")]
fn micros_each(started: Duration, count: usize) -> f64 {
    cpu_time().saturating_sub(started).as_secs_f64() * 1e6 / count as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "a table is what this program is for")]
fn print_row(name: &str, value: f64, goal: &str) {
    println!("{name:20} {value:>8.2}  {goal}");
}
