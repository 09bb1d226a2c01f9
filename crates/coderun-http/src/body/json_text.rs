//! Prepares the text of a JSON body for the parser.

use std::borrow::Cow;

use actix_web::http::StatusCode;

use crate::problem::Problem;

/// The greatest depth to which arrays and objects may be nested, the outermost one included.
const DEPTH_MAX: usize = 128;

const BYTE_ORDER_MARK: &str = "\u{feff}";
/// The length of an escape such as `\ud83d`.
const ESCAPE_BYTES: usize = 6;
/// U+FFFD, as long as the escape that it replaces, so that positions in errors stay right.
const REPLACEMENT: &str = "\\ufffd";

/// The text without a byte order mark, with the halves of surrogate pairs that stand alone replaced by U+FFFD. Other clients'
/// libraries send both.
///
/// # Errors
/// 400 for bytes that are not UTF-8, and for text that is nested too deep.
pub(super) fn prepare(body: &[u8]) -> Result<Cow<'_, str>, Problem> {
    let refuse = |detail: String| Problem::new(StatusCode::BAD_REQUEST, detail);
    let text = std::str::from_utf8(body)
        .map_err(|_| refuse("The request body is not valid UTF-8".to_owned()))?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if is_plain(text) {
        return Ok(Cow::Borrowed(text));
    }
    let halves = scan(text).map_err(|TooDeep| {
        refuse(format!(
            "The request body must not be nested deeper than {DEPTH_MAX} levels"
        ))
    })?;
    if halves.is_empty() {
        return Ok(Cow::Borrowed(text));
    }
    let mut replaced = text.to_owned();
    for at in halves {
        replaced.replace_range(at..at + ESCAPE_BYTES, REPLACEMENT);
    }
    Ok(Cow::Owned(replaced))
}

/// Whether it is plain at a glance that there is nothing to refuse or to replace, as in most texts: a scan looks at each byte by
/// itself.
fn is_plain(text: &str) -> bool {
    let is_opening = |byte: &u8| matches!(byte, b'[' | b'{');
    let opened = text.as_bytes().iter().filter(|byte| is_opening(byte));
    opened.count() <= DEPTH_MAX && !text.contains("\\u")
}

/// Arrays and objects are nested deeper than [`DEPTH_MAX`].
#[derive(Debug)]
struct TooDeep;

/// Checks the depth, and finds the escapes of halves of surrogate pairs that stand alone.
fn scan(text: &str) -> Result<Vec<usize>, TooDeep> {
    let bytes = text.as_bytes();
    let (mut halves, mut depth, mut in_string, mut at) = (Vec::new(), 0_usize, false, 0);
    while let Some(byte) = bytes.get(at) {
        let mut length = 1;
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => match Escape::at(bytes, at) {
                Escape::Half => {
                    halves.push(at);
                    length = ESCAPE_BYTES;
                }
                Escape::Pair => length = 2 * ESCAPE_BYTES,
                Escape::Other => length = 2,
            },
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(TooDeep);
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += length;
    }
    Ok(halves)
}

/// What a backslash begins.
enum Escape {
    /// Half of a surrogate pair, without the other half.
    Half,
    /// Both halves of a surrogate pair.
    Pair,
    Other,
}

impl Escape {
    fn at(bytes: &[u8], at: usize) -> Self {
        match escaped_unit(bytes, at) {
            Some(0xD800..=0xDBFF) => match escaped_unit(bytes, at + ESCAPE_BYTES) {
                Some(0xDC00..=0xDFFF) => Self::Pair,
                Some(_) | None => Self::Half,
            },
            Some(0xDC00..=0xDFFF) => Self::Half,
            Some(_) | None => Self::Other,
        }
    }
}

/// The UTF-16 code unit of an escape such as `\u00e9`.
fn escaped_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let escape = bytes.get(at..at + ESCAPE_BYTES)?;
    let digits = escape.strip_prefix(b"\\u")?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::nothing("", "")]
    #[case::plain(r#"{"a":"b"}"#, r#"{"a":"b"}"#)]
    #[case::byte_order_mark("\u{feff}{}", "{}")]
    #[case::pair(r#""\ud83d\ude00""#, r#""\ud83d\ude00""#)]
    #[case::high(r#""\ud83d""#, r#""\ufffd""#)]
    #[case::high_at_the_end(r#""a\uD83D"#, r#""a\ufffd"#)]
    #[case::low(r#""\ude00 x""#, r#""\ufffd x""#)]
    #[case::swapped(r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#)]
    #[case::two_high_then_low(r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#)]
    #[case::escaped_backslash(r#""\\ud83d""#, r#""\\ud83d""#)]
    #[case::other_escape(r#""\n\u00e9\"""#, r#""\n\u00e9\"""#)]
    #[case::no_digits(r#""\ud83""#, r#""\ud83""#)]
    fn text_is_prepared(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(prepare(body.as_bytes()).unwrap(), expected);
    }

    /// All texts of four of these parts.
    #[test]
    fn a_scan_finds_nothing_in_plain_text() {
        let parts = [
            "", "{", "]", "\"", "\\", "\\n", "\\u", "u", "\\ud83d", "\\ude00", "00e9",
        ];
        let longer = |texts: &[String]| -> Vec<String> {
            let texts = texts.iter();
            texts
                .flat_map(|text| parts.map(|part| format!("{text}{part}")))
                .collect()
        };
        let texts = (0..4).fold(vec![String::new()], |texts, _| longer(&texts));
        let (plain, others): (Vec<_>, Vec<_>) = texts.iter().partition(|text| is_plain(text));
        assert!(plain.iter().all(|text| scan(text).unwrap().is_empty()));
        assert!(!plain.is_empty() && !others.is_empty());
    }

    #[rstest]
    #[case("[", "]")]
    #[case("{\"a\":", "}")]
    fn depth_is_counted_outside_of_strings(#[case] open: &str, #[case] close: &str) {
        let nested = |depth| format!("{}\"[[{{\"{}", open.repeat(depth), close.repeat(depth));
        assert!(prepare(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert!(prepare(nested(DEPTH_MAX + 1).as_bytes()).is_err());
        let wide = format!("[{}]", "[[]],".repeat(DEPTH_MAX));
        assert!(prepare(wide.as_bytes()).is_ok());
    }
}
