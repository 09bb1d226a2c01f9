//! Checks that tokens whose form is wrong are refused.

use super::setup::{Verifier, encode, json_with_spare_bits};

/// The three parts of a good token; the last one is empty where tokens are not signed.
fn good_parts(verifier: &Verifier) -> [String; 3] {
    let good = verifier.good();
    let mut parts = good.split('.').map(str::to_owned);
    std::array::from_fn(|_| parts.next().unwrap())
}

/// A token has three parts with dots between them.
pub async fn another_number_of_parts_is_malformed(verifier: Verifier) {
    let [h, c, s] = good_parts(&verifier);
    let tokens = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        h.clone(),
        format!("{h}.{c}"),
        format!("{h}.{c}.{s}.{s}"),
        format!("{h}.{c}.{s}.{s}.{s}"),
        format!(".{h}.{c}.{s}"),
        format!("{h}.{c}.{s}."),
        format!("{h}..{c}.{s}"),
        format!(".{c}.{s}"),
        format!("{h}..{s}"),
        format!("{h}:{c}:{s}"),
        format!("{h}%2E{c}%2E{s}"),
        format!("{h}．{c}.{s}"),
        format!("Bearer {h}.{c}.{s}"),
        format!("\"{h}.{c}.{s}\""),
    ];
    verifier.assert_tokens("malformed", tokens).await;
    // An empty signature is that of an unsigned token, and any other one that of a signed token.
    let other = if s.is_empty() { "AA" } else { "" };
    verifier
        .assert_tokens("malformed", [format!("{h}.{c}.{other}")])
        .await;
}

/// White space, control characters and byte order marks are part of no token.
pub async fn space_in_a_token_is_malformed(verifier: Verifier) {
    let [h, c, s] = good_parts(&verifier);
    let sign = |parts: String| (verifier.issuer().sign)(&parts);
    let tokens = [
        format!(" {h}.{c}.{s}"),
        format!("{h}.{c}.{s} "),
        format!("{h}.{c}.{s}\n"),
        format!("{h}.{c}.{s}\r\n"),
        format!("{h}.{c}.{s}\0"),
        format!("{h}.{c}.\n{s}"),
        format!("\u{feff}{h}.{c}.{s}"),
        sign(format!("{h}.{c}\t")),
        sign(format!("{h} .{c}")),
    ];
    verifier.assert_tokens("malformed", tokens).await;
}

/// Each part has one spelling: base64url without padding, with zero bits at its end.
pub async fn a_second_spelling_is_malformed(verifier: Verifier) {
    let [h, c, s] = good_parts(&verifier);
    let sign = |parts: String| (verifier.issuer().sign)(&parts);
    let claims = encode(verifier.claims_with("name", "~~~???ÿÿÿ").to_string());
    let standard = claims.replace('-', "+").replace('_', "/");
    assert_ne!(claims, standard);
    let spare_header = with_tail_bits(&encode(json_with_spare_bits(&verifier.header())));
    let spare_claims = with_tail_bits(&encode(json_with_spare_bits(&verifier.claims())));
    let tokens = [
        sign(format!("{h}=.{c}")),
        sign(format!("{h}.{c}==")),
        sign(format!("{h}.{standard}")),
        sign(format!("{spare_header}.{c}")),
        sign(format!("{h}.{spare_claims}")),
        format!("{h}.{c}.{s}=="),
        format!("{h}.{c}.{s}AAA"),
    ];
    verifier.assert_tokens("malformed", tokens).await;
    if !s.is_empty() {
        let tail_bits = format!("{h}.{c}.{}", with_tail_bits(&s));
        verifier.assert_tokens("malformed", [tail_bits]).await;
    }
}

/// Sets one of the unused bits behind the last byte of a part, which lenient decoders ignore.
fn with_tail_bits(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(part.len() % 4, 0, "a part that leaves no bits unused");
    let (rest, last) = part.split_at(part.len() - 1);
    let next = ALPHABET.find(last).unwrap() + 1;
    format!("{rest}{}", &ALPHABET[next..=next])
}

/// A token is at most 8 KiB long.
pub async fn a_token_has_a_greatest_length(verifier: Verifier) {
    let longest = token_of_length(&verifier, 8 * 1024);
    assert_eq!(verifier.verdict(&longest).await, "accepted");
    let tokens = [8 * 1024 + 1, 100_000].map(|length| (length, token_of_length(&verifier, length)));
    verifier.assert_all("malformed", tokens).await;
}

/// A good token of just this length, which is greater than that of the usual one.
pub(super) fn token_of_length(verifier: &Verifier, length: usize) -> String {
    let missing_bytes = (length - verifier.good().len()) * 3 / 4;
    let claims = |more| {
        let name = "n".repeat(missing_bytes + more);
        verifier.claims_with("name", name).to_string()
    };
    // No base64 is 4n + 1 characters long, so the length of one part alone does not do.
    (0..3)
        .flat_map(|spaces| (0..8).map(move |more| (spaces, more)))
        .map(|(spaces, more)| {
            let header = format!("{}{}", " ".repeat(spaces), verifier.header());
            verifier.token_of(header, claims(more))
        })
        .find(|token| token.len() == length)
        .unwrap()
}
