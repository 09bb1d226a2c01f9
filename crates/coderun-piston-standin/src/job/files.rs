//! The files of a job: what is in them, and where Piston puts them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde_json::Value;

use super::{Refusal, is_falsy};

/// A file as it was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct JobFile {
    /// `None` if it is something that cannot be a path.
    name: Option<String>,
    content: String,
    encoding: Encoding,
}

/// How the content of a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8,
    Base64,
    Hex,
}

/// A file where Piston puts it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PlacedFile {
    /// A relative path of plain names.
    pub(crate) path: String,
    pub(crate) content: Bytes,
    pub(crate) encoding: Encoding,
}

pub(super) fn check_contents(files: &[Value]) -> Result<(), Refusal> {
    for (index, file) in files.iter().enumerate() {
        if file.is_null() {
            return Err(Refusal::Exception);
        }
        if !file.get("content").is_some_and(Value::is_string) {
            let text = format!("files[{index}].content is required as a string");
            return Err(Refusal::Message(text));
        }
    }
    Ok(())
}

pub(super) fn check_encodings(files: &[Value]) -> Result<(), Refusal> {
    // Here an unknown encoding is not text, though it is later read as such.
    let is_text = |file: &Value| {
        let encoding = file.get("encoding").unwrap_or(&Value::Null);
        is_falsy(encoding) || encoding == "utf8"
    };
    if files.iter().any(is_text) {
        return Ok(());
    }
    let text = "files must include at least one utf8 encoded file";
    Err(Refusal::message(text))
}

/// Reads files that were checked.
pub(super) fn read(files: &[Value]) -> Vec<JobFile> {
    let read = |(index, file): (usize, &Value)| {
        let name = file.get("name").unwrap_or(&Value::Null);
        let content = file.get("content").and_then(Value::as_str);
        JobFile {
            name: match name {
                name if is_falsy(name) => Some(format!("file{index}.code")),
                name => name.as_str().map(str::to_owned),
            },
            content: content.unwrap_or_default().to_owned(),
            encoding: match file.get("encoding").and_then(Value::as_str) {
                Some("base64") => Encoding::Base64,
                Some("hex") => Encoding::Hex,
                Some(_) | None => Encoding::Utf8,
            },
        }
    };
    files.iter().enumerate().map(read).collect()
}

/// Puts files into the folder of a job: the entry file, which is the first text, and all others by their paths.
///
/// `None` where Piston fails: a path leaves the folder, is the folder, or needs a folder where a file is.
pub(crate) fn place(files: &[JobFile]) -> Option<(PlacedFile, Vec<PlacedFile>)> {
    let mut placed = BTreeMap::new();
    let mut entry = None;
    for file in files {
        let path = path(file.name.as_deref()?)?;
        if file.encoding == Encoding::Utf8 && entry.is_none() {
            entry = Some(path.clone());
        }
        // Of two files with one path the later is there.
        placed.insert(path, (content(file), file.encoding));
    }
    let is_folder = |path: &String| {
        let below = format!("{path}/");
        placed.keys().any(|other| other.starts_with(&below))
    };
    if placed.keys().any(is_folder) {
        return None;
    }
    let (content, encoding) = placed.remove(entry.as_ref()?)?;
    let entry = PlacedFile {
        path: entry?,
        content,
        encoding,
    };
    let others = placed
        .into_iter()
        .map(|(path, (content, encoding))| PlacedFile {
            path,
            content,
            encoding,
        });
    Some((entry, others.collect()))
}

/// The path within the folder, without `.` and `..`; a slash at its start means the folder too.
fn path(name: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    // Piston takes any path that begins with two dots for one that leaves the folder.
    let is_good = !path.is_empty() && !path.starts_with("..") && !path.contains('\0');
    is_good.then_some(path)
}

fn content(file: &JobFile) -> Bytes {
    match file.encoding {
        Encoding::Utf8 => file.content.clone().into_bytes().into(),
        Encoding::Base64 => from_base64(&file.content).into(),
        Encoding::Hex => from_hex(&file.content).into(),
    }
}

/// Decodes as Node.js does: both alphabets, what is in neither is passed over, and padding is the end.
fn from_base64(text: &str) -> Vec<u8> {
    let digits = text.chars().take_while(|digit| *digit != '=');
    let mut digits: String = digits
        .filter_map(|digit| match digit {
            '-' => Some('+'),
            '_' => Some('/'),
            '+' | '/' => Some(digit),
            _ => digit.is_ascii_alphanumeric().then_some(digit),
        })
        .collect();
    // A single digit at the end is not yet a byte.
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    engine.decode(digits).unwrap_or_default()
}

/// Decodes as Node.js does: up to the first pair that is none of digits.
fn from_hex(text: &str) -> Vec<u8> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [upper, lower] => u8::try_from(digit(upper)? * 16 + digit(lower)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map_while(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_folder_or_is_none() {
        for (name, expected) in [
            ("main.py", Some("main.py")),
            ("./a//b.py", Some("a/b.py")),
            ("/etc/passwd", Some("etc/passwd")),
            ("a/../b", Some("b")),
            ("../b", None),
            ("a/../../b", None),
            ("..b", None),
            (".", None),
        ] {
            assert_eq!(path(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn contents_are_decoded_as_leniently_as_by_node() {
        assert_eq!(from_base64("aGVs bG8="), b"hello");
        assert_eq!(from_base64("-_8"), [0xfb, 0xff]);
        assert_eq!(from_base64("aGVsb"), b"hel");
        assert_eq!(from_hex("68656c6c6fzz41"), b"hello");
        assert_eq!(from_hex("683"), b"h");
    }
}
