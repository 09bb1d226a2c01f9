//! Tests what the service relies on in every build of the page.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::Read as _;

use coderun_playground::{Content, File, files};
use flate2::read::GzDecoder;

/// The binary grows by this much at most.
const TOTAL_MAX_BYTES: usize = 1_000_000;

fn file(path: &str) -> File {
    files()
        .find(|file| file.path == path)
        .expect("a file of this path")
}

fn text(path: &str) -> String {
    let mut text = String::new();
    let read = match file(path).content {
        Content::Plain(mut bytes) => bytes.read_to_string(&mut text),
        Content::Gzip(bytes) => GzDecoder::new(bytes).read_to_string(&mut text),
    };
    read.expect("a text");
    text
}

#[test]
fn the_page_is_a_document() {
    assert!(text("index.html").starts_with("<!doctype html>"));
}

#[test]
fn the_element_and_the_icon_are_there() {
    let element = file("embed.js");
    assert_eq!(element.media_type, "text/javascript; charset=utf-8");
    assert_eq!(file("favicon.svg").media_type, "image/svg+xml");
}

/// They are cached for a year.
#[test]
fn every_asset_has_a_hash_in_its_name() {
    for file in files() {
        let Some(name) = file.path.strip_prefix("assets/") else {
            continue;
        };
        let (stem, _) = name.rsplit_once('.').expect("an ending");
        // Its letters are those of base64url, so that it may contain what separates it from the name.
        let hash = stem.get(stem.len().saturating_sub(8)..).unwrap_or_default();
        let is_separated = stem.strip_suffix(hash).is_some_and(|it| it.ends_with('-'));
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        let is_hash = hash.len() == 8 && hash.bytes().all(is_letter);
        assert!(is_separated && is_hash, "{name}");
    }
}

#[test]
fn whatever_the_page_names_is_there() {
    let paths: BTreeSet<_> = files().map(|file| file.path).collect();
    let page = text("index.html");
    for attribute in ["src=\"", "href=\""] {
        for named in page.split(attribute).skip(1) {
            let (named, _) = named.split_once('"').expect("an end");
            let path = named.trim_start_matches("./").trim_start_matches('/');
            // The service has these itself.
            let is_route = named.starts_with('#') || ["", "docs"].contains(&path);
            let is_elsewhere = named.starts_with("https://") || named.starts_with("data:");
            assert!(is_route || is_elsewhere || paths.contains(path), "{named}");
        }
    }
}

#[test]
fn every_file_has_a_known_media_type() {
    for file in files() {
        assert_ne!(file.media_type, "application/octet-stream", "{}", file.path);
    }
}

#[test]
fn all_files_together_are_small() {
    let bytes = files().map(|file| match file.content {
        Content::Plain(bytes) | Content::Gzip(bytes) => bytes.len(),
    });
    let total: usize = bytes.sum();
    assert!(total < TOTAL_MAX_BYTES, "{total} bytes");
}
