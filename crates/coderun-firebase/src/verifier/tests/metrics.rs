//! Tests the metrics of the token cache.

use super::*;
use crate::testing::Counts;

#[tokio::test]
async fn a_cached_token_is_a_hit_and_any_other_a_miss() {
    let (verifier, counts) = Counts::of(|| verifier(config()));
    let unknown = token(&with(header(), "kid", "other"), &claims());
    for token in [good(), good(), expired(), unknown] {
        verdict(&verifier, &token).await;
    }
    assert_eq!(
        counts.lines(),
        [
            "coderun_token_cache_total{hit} 1",
            "coderun_token_cache_total{miss} 3"
        ]
    );
}

#[tokio::test]
async fn without_a_cache_there_are_neither_hits_nor_misses() {
    let config = VerifierConfig {
        verified_tokens_max: 0,
        ..config()
    };
    let (verifier, counts) = Counts::of(|| verifier(config));
    verifier.verify(&good_token()).await.unwrap();
    assert_eq!(
        counts.lines(),
        [
            "coderun_token_cache_total{hit} 0",
            "coderun_token_cache_total{miss} 0"
        ]
    );
}
