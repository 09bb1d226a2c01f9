//! Splits a token into header, claims and signature, and decodes them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coderun_domain::{ByteSize, VerifyError};

/// The parts of a signed token that has the right form. A token without a signature has no such parts.
///
/// Its parts are base64url in the one spelling that each byte string has: no padding, no white space, zero bits
/// at the end. So no two tokens have the same meaning.
pub(crate) struct SignedParts<'token> {
    /// What the signature covers: header and claims as they were sent.
    pub(crate) signed: &'token str,
    /// The decoded header.
    pub(crate) header: Vec<u8>,
    /// The decoded claims.
    pub(crate) claims: Vec<u8>,
    /// The signature as it was sent; it does decode.
    pub(crate) signature: &'token str,
}

impl<'token> SignedParts<'token> {
    /// Splits a token and decodes its parts; one longer than `max` is refused unread.
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

/// The parts of an unsigned token, which only an emulator issues.
///
/// A type of its own, so that they are never taken for [`SignedParts`].
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
