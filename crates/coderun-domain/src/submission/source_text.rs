//! Prepares source text for runners: editors on Windows save what interpreters and shells elsewhere stumble over.

use std::borrow::Cow;

use bytes::Bytes;

/// The text without a byte order mark, and with LF at the end of lines that ended with CR LF.
pub(super) fn normalized(text: &str) -> Cow<'_, str> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains("\r\n") {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same for a file; one that is not UTF-8 stays as it is.
pub(super) fn normalized_file(content: &Bytes) -> Bytes {
    match std::str::from_utf8(content).map(normalized) {
        Ok(Cow::Owned(text)) => Bytes::from(text),
        Ok(Cow::Borrowed(text)) => content.slice_ref(text.as_bytes()),
        Err(_) => content.clone(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("a\nb", "a\nb")]
    #[case::lines_of_windows("a\r\n\r\nb\r\n", "a\n\nb\n")]
    #[case::mark("\u{feff}a", "a")]
    #[case::mark_and_lines("\u{feff}a\r\n", "a\n")]
    #[case::mark_alone("\u{feff}", "")]
    #[case::mark_within("a\u{feff}", "a\u{feff}")]
    #[case::only_the_first_mark("\u{feff}\u{feff}", "\u{feff}")]
    #[case::lone_carriage_returns("a\rb\r", "a\rb\r")]
    #[case::empty("", "")]
    fn marks_and_carriage_returns_are_removed(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(normalized(text), expected);
        assert_eq!(normalized_file(&Bytes::from(text.to_owned())), expected);
    }

    #[test]
    fn a_file_that_is_not_text_stays_as_it_is() {
        let content = Bytes::from_static(b"\xef\xbb\xbf\xff\r\n");
        assert_eq!(normalized_file(&content), content);
    }
}
