//! Tokens whose form is wrong.

use super::{Case, case};
use crate::testing::{claims, encode, good, header, sign, token_of_length, uneven, with};

pub(super) fn cases() -> Vec<Case> {
    let all = [parts(), spaces(), spellings(), lengths()];
    all.into_iter()
        .flatten()
        .map(|(name, token)| case(name, token, "malformed"))
        .collect()
}

type Named = Vec<(&'static str, String)>;

/// The three parts of a good token.
fn good_parts() -> [String; 3] {
    let good = good();
    let mut parts = good.split('.').map(str::to_owned);
    std::array::from_fn(|_| parts.next().unwrap())
}

fn parts() -> Named {
    let [h, c, s] = good_parts();
    vec![
        ("nothing", String::new()),
        ("one dot", ".".to_owned()),
        ("two dots", "..".to_owned()),
        ("one part", h.clone()),
        ("two parts", format!("{h}.{c}")),
        ("four parts", format!("{h}.{c}.{s}.{s}")),
        ("five parts", format!("{h}.{c}.{s}.{s}.{s}")),
        ("empty part before", format!(".{h}.{c}.{s}")),
        ("empty part after", format!("{h}.{c}.{s}.")),
        ("empty part between", format!("{h}..{c}.{s}")),
        ("empty header", format!(".{c}.{s}")),
        ("empty claims", format!("{h}..{s}")),
        ("empty signature", format!("{h}.{c}.")),
        ("other separator", format!("{h}:{c}:{s}")),
        ("percent-encoded dots", format!("{h}%2E{c}%2E{s}")),
        ("full-width dot", format!("{h}．{c}.{s}")),
        ("scheme before", format!("Bearer {h}.{c}.{s}")),
        ("quoted", format!("\"{h}.{c}.{s}\"")),
    ]
}

fn spaces() -> Named {
    let [h, c, s] = good_parts();
    vec![
        ("space before", format!(" {h}.{c}.{s}")),
        ("space after", format!("{h}.{c}.{s} ")),
        ("line feed after", format!("{h}.{c}.{s}\n")),
        ("carriage return after", format!("{h}.{c}.{s}\r\n")),
        ("NUL after", format!("{h}.{c}.{s}\0")),
        ("line feed in signature", format!("{h}.{c}.\n{s}")),
        ("tab in signed claims", sign(&format!("{h}.{c}\t"))),
        ("space in signed header", sign(&format!("{h} .{c}"))),
        ("byte order mark before", format!("\u{feff}{h}.{c}.{s}")),
    ]
}

fn spellings() -> Named {
    let [h, c, s] = good_parts();
    let uneven_header = with_tail_bits(&encode(uneven(&header())));
    let uneven_claims = with_tail_bits(&encode(uneven(&claims())));
    vec![
        ("padded header", sign(&format!("{h}=.{c}"))),
        ("padded claims", sign(&format!("{h}.{c}=="))),
        ("padded signature", format!("{h}.{c}.{s}==")),
        ("standard alphabet", in_standard_alphabet()),
        ("tail bits of header", sign(&format!("{uneven_header}.{c}"))),
        ("tail bits of claims", sign(&format!("{h}.{uneven_claims}"))),
        (
            "tail bits of signature",
            format!("{h}.{c}.{}", with_tail_bits(&s)),
        ),
        ("one character too many", format!("{h}.{c}.{s}AAA")),
    ]
}

fn lengths() -> Named {
    vec![
        ("just too long", token_of_length(8 * 1024 + 1)),
        ("100 KB", token_of_length(100_000)),
    ]
}

/// A signed token whose claims are written with `+` and `/`.
fn in_standard_alphabet() -> String {
    let claims = encode(with(claims(), "name", "~~~???ÿÿÿ").to_string());
    let standard = claims.replace('-', "+").replace('_', "/");
    assert_ne!(claims, standard);
    sign(&format!("{}.{standard}", encode(header().to_string())))
}

/// Sets one of the unused bits behind the last byte of a part, which lenient decoders ignore.
fn with_tail_bits(part: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(part.len() % 4, 0, "a part that leaves no bits unused");
    let (rest, last) = part.split_at(part.len() - 1);
    let next = ALPHABET.find(last).unwrap() + 1;
    format!("{rest}{}", &ALPHABET[next..=next])
}
