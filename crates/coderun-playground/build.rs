//! Compresses the files of the page and lists them for the crate, again when a file appears, changes or goes.

use std::fmt::Write as _;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::read::GzEncoder;

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=dist");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist");
    let output = env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?;
    let output = PathBuf::from(output);
    let mut paths = Vec::new();
    find_files(&folder, &mut paths)?;
    paths.sort();
    let mut list = "[\n".to_owned();
    for (number, path) in paths.iter().enumerate() {
        let name = path.strip_prefix(&folder).map_err(io::Error::other)?;
        let content = fs::read(path)?;
        let compressed = compress(&content)?;
        let entry = if compressed.len() < content.len() {
            let copy = output.join(format!("{number}.gz"));
            fs::write(&copy, compressed)?;
            format!("Content::Gzip(include_bytes!({:?}))", text(&copy)?)
        } else {
            format!("Content::Plain(include_bytes!({:?}))", text(path)?)
        };
        writeln!(list, "    ({:?}, {entry}),", text(name)?).map_err(io::Error::other)?;
    }
    list.push_str("]\n");
    fs::write(output.join("files.rs"), list)
}

/// A path as text, of which Rust makes a literal.
fn text(path: &Path) -> io::Result<&str> {
    path.to_str()
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn find_files(folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find_files(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// The same bytes for the same content, whenever they are made.
fn compress(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressed = Vec::new();
    GzEncoder::new(content, Compression::best()).read_to_end(&mut compressed)?;
    Ok(compressed)
}
