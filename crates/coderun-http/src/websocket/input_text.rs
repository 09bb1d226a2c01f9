//! Makes UTF-8 of the text that a client types, also where a message ends within a surrogate pair.
//!
//! JavaScript cuts strings between UTF-16 code units, so a message may end with one half of a character such as an emoji and
//! the next begin with the other. The parser passes such a half on in three bytes, as UTF-8 would encode its code point.

/// U+FFFD, for a half without the other.
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();
const HALF_BYTES: usize = 3;

/// The text of one client, message by message.
#[derive(Debug, Default)]
pub(super) struct InputText {
    /// The first half of a pair, at the end of the last message.
    high: Option<u16>,
}

impl InputText {
    /// The text up to the last whole character, with that of earlier messages that was not whole.
    pub(super) fn join(&mut self, message: Vec<u8>) -> Vec<u8> {
        if self.high.is_none() && std::str::from_utf8(&message).is_ok() {
            return message;
        }
        let mut joined = Vec::with_capacity(message.len() + HALF_BYTES);
        let mut rest = message.as_slice();
        while let Some((first, after)) = rest.split_first() {
            match half(rest) {
                Some(high @ 0xD800..=0xDBFF) => {
                    self.replace_high(&mut joined);
                    self.high = Some(high);
                }
                Some(low) => self.complete(low, &mut joined),
                None => {
                    self.replace_high(&mut joined);
                    joined.push(*first);
                    rest = after;
                    continue;
                }
            }
            rest = rest.get(HALF_BYTES..).unwrap_or_default();
        }
        joined
    }

    /// What is left at the end of the input.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        let mut left = Vec::new();
        self.replace_high(&mut left);
        left
    }

    fn replace_high(&mut self, joined: &mut Vec<u8>) {
        if self.high.take().is_some() {
            joined.extend_from_slice(REPLACEMENT);
        }
    }

    /// Appends the character that a second half completes.
    fn complete(&mut self, low: u16, joined: &mut Vec<u8>) {
        let units = self.high.take().into_iter().chain([low]);
        for character in char::decode_utf16(units) {
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            joined.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// The half of a surrogate pair at the start of these bytes.
fn half(bytes: &[u8]) -> Option<u16> {
    match bytes {
        [0xED, second @ 0xA0..=0xBF, third, ..] => {
            Some(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const HIGH: &[u8] = b"\xED\xA0\xBD";
    const LOW: &[u8] = b"\xED\xB8\x80";

    #[rstest]
    #[case::whole(&["a\u{1f600}ü".as_bytes()], "a\u{1f600}ü")]
    #[case::cut(&[b"a\xED\xA0\xBD".as_slice(), b"\xED\xB8\x80b"], "a\u{1f600}b")]
    #[case::halves_alone(&[HIGH, LOW], "\u{1f600}")]
    #[case::together(&[b"\xED\xA0\xBD\xED\xB8\x80".as_slice()], "\u{1f600}")]
    #[case::empty_between(&[HIGH, b"", LOW], "\u{1f600}")]
    #[case::low_alone(&[LOW, b"a"], "\u{fffd}a")]
    #[case::high_alone(&[HIGH, b"a"], "\u{fffd}a")]
    #[case::two_high(&[HIGH, HIGH, LOW], "\u{fffd}\u{1f600}")]
    #[case::high_at_the_end(&[b"a", HIGH], "a\u{fffd}")]
    #[case::not_a_half(&[HIGH, "\u{d7ff}".as_bytes()], "\u{fffd}\u{d7ff}")]
    fn messages_are_joined_to_text(#[case] messages: &[&[u8]], #[case] expected: &str) {
        let mut text = InputText::default();
        let mut joined: Vec<u8> = messages
            .iter()
            .flat_map(|it| text.join(it.to_vec()))
            .collect();
        joined.extend(text.finish());
        assert_eq!(String::from_utf8(joined).unwrap(), expected);
    }
}
