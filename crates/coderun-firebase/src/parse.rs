//! Takes a token apart, without a look at what it says.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coderun_domain::{ByteSize, VerifyError};

/// The parts of a signed token that has the right form. A token without a signature has no such parts.
///
/// Its parts are base64url in the one spelling that each byte string has: no padding, no white space, zero bits
/// at the end. So no two tokens have the same meaning.
pub(crate) struct Parts<'token> {
    /// What the signature covers: header and claims as they were sent.
    pub(crate) signed: &'token str,
    /// The decoded header.
    pub(crate) header: Vec<u8>,
    /// The decoded claims.
    pub(crate) claims: Vec<u8>,
    /// The signature as it was sent; it does decode.
    pub(crate) signature: &'token str,
}

impl<'token> Parts<'token> {
    /// Splits a token and decodes its parts; one longer than `max` is not looked at.
    pub(crate) fn split(token: &'token str, max: ByteSize) -> Result<Self, VerifyError> {
        let (signed, signature) = last_part_off(token, max)?;
        decode(signature)?;
        let [header, claims] = decode_both(signed)?;
        Ok(Self {
            signed,
            header,
            claims,
            signature,
        })
    }
}

/// The parts of a token that nobody signed, which only an emulator issues.
///
/// A type of its own: whatever wants [`Parts`] cannot be given these.
pub(crate) struct UnsignedParts {
    /// The decoded header.
    pub(crate) header: Vec<u8>,
    /// The decoded claims.
    pub(crate) claims: Vec<u8>,
}

impl UnsignedParts {
    /// Splits a token whose third part is empty, by the same rules otherwise.
    pub(crate) fn split(token: &str, max: ByteSize) -> Result<Self, VerifyError> {
        let (unsigned, signature) = last_part_off(token, max)?;
        if !signature.is_empty() {
            return Err(VerifyError::Malformed);
        }
        let [header, claims] = decode_both(unsigned)?;
        Ok(Self { header, claims })
    }
}

fn last_part_off(token: &str, max: ByteSize) -> Result<(&str, &str), VerifyError> {
    if ByteSize::of(token.as_bytes()) > max {
        return Err(VerifyError::Malformed);
    }
    token.rsplit_once('.').ok_or(VerifyError::Malformed)
}

/// Decodes header and claims. A third part in front would leave a dot in one of them, which does not decode.
fn decode_both(parts: &str) -> Result<[Vec<u8>; 2], VerifyError> {
    let (header, claims) = parts.split_once('.').ok_or(VerifyError::Malformed)?;
    Ok([decode(header)?, decode(claims)?])
}

/// Decodes base64url without padding; anything empty or in a second spelling is malformed.
pub(crate) fn decode(part: &str) -> Result<Vec<u8>, VerifyError> {
    if part.is_empty() {
        return Err(VerifyError::Malformed);
    }
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| VerifyError::Malformed)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const MAX: ByteSize = ByteSize::from_kib(8);

    #[test]
    fn three_parts_are_split_and_decoded() {
        let parts = Parts::split("e30.-_8.AA", MAX).unwrap();
        assert_eq!(parts.signed, "e30.-_8");
        assert_eq!(parts.header, b"{}");
        assert_eq!(parts.claims, [0xFB, 0xFF]);
        assert_eq!(parts.signature, "AA");
    }

    #[rstest]
    #[case::nothing("")]
    #[case::one_part("AA")]
    #[case::two_parts("AA.AA")]
    #[case::four_parts("AA.AA.AA.AA")]
    #[case::empty_header(".AA.AA")]
    #[case::empty_claims("AA..AA")]
    #[case::empty_signature("AA.AA.")]
    #[case::only_dots("..")]
    #[case::padding("AA==.AA.AA")]
    #[case::padded_signature("AA.AA.AA==")]
    #[case::plus("AA.+_8.AA")]
    #[case::slash("AA.-/8.AA")]
    #[case::space_before(" AA.AA.AA")]
    #[case::space_inside("AA.A A.AA")]
    #[case::line_feed_after("AA.AA.AA\n")]
    #[case::nul("AA.AA.AA\0")]
    #[case::not_ascii("AA.ÄÄ.AA")]
    #[case::impossible_length("AAAAA.AA.AA")]
    #[case::tail_bits_of_header("AB.AA.AA")]
    #[case::tail_bits_of_claims("AA.AAB.AA")]
    #[case::tail_bits_of_signature("AA.AA.AB")]
    fn another_form_is_malformed(#[case] token: &str) {
        assert!(matches!(
            Parts::split(token, MAX),
            Err(VerifyError::Malformed)
        ));
    }

    #[test]
    fn a_token_may_be_just_as_long_as_allowed() {
        let token = "AA.AA.AAAA";
        assert!(Parts::split(token, ByteSize::from_bytes(10)).is_ok());
        assert!(Parts::split(token, ByteSize::from_bytes(9)).is_err());
    }

    #[test]
    fn an_unsigned_token_has_parts_of_its_own() {
        let parts = UnsignedParts::split("e30.-_8.", MAX).unwrap();
        assert_eq!(parts.header, b"{}");
        assert_eq!(parts.claims, [0xFB, 0xFF]);
        assert!(Parts::split("e30.-_8.", MAX).is_err());
    }

    #[rstest]
    #[case::nothing("")]
    #[case::two_parts("AA.AA")]
    #[case::signed("AA.AA.AA")]
    #[case::four_parts("AA.AA..")]
    #[case::space_for_a_signature("AA.AA. ")]
    #[case::padding_for_a_signature("AA.AA.=")]
    #[case::empty_header(".AA.")]
    #[case::empty_claims("AA..")]
    #[case::only_dots("..")]
    #[case::padding("AA==.AA.")]
    #[case::space_before(" AA.AA.")]
    #[case::line_feed_after("AA.AA.\n")]
    #[case::tail_bits_of_header("AB.AA.")]
    #[case::tail_bits_of_claims("AA.AAB.")]
    fn another_unsigned_form_is_malformed(#[case] token: &str) {
        assert!(matches!(
            UnsignedParts::split(token, MAX),
            Err(VerifyError::Malformed)
        ));
    }
}
