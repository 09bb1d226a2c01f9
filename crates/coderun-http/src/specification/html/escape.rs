//! Writes texts of the OpenAPI document as HTML.

use std::fmt::{self, Write as _};

/// Text without the characters that mean something in HTML.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// A sentence, in which code stands between backticks.
pub(super) struct Prose<'a>(pub(super) &'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut is_code = false;
        for part in self.0.split('`') {
            let part = Escaped(part);
            if is_code {
                write!(f, "<code>{part}</code>")?;
            } else {
                write!(f, "{part}")?;
            }
            is_code = !is_code;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_within_a_sentence_looks_like_code() {
        let html = Prose("`a<b` and `c`.").to_string();
        assert_eq!(html, "<code>a&lt;b</code> and <code>c</code>.");
    }
}
