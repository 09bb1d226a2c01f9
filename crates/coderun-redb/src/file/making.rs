//! How a file comes to be: whole under another name first, so that nobody ever finds half of one.

use std::path::{Path, PathBuf};
use std::{fs, io, process};

use redb::backends::FileBackend;

use super::{File, NAME, broken, builder};
use crate::RedbError;

/// How the name of a file begins that is not whole yet.
const UNFINISHED: &str = "coderun.redb.new-";

/// Makes folder and file for their owner only. What is there stays as it is.
///
/// Of several that do this at a time one makes the file. A start that is killed leaves nothing, an unfinished file, or the
/// whole one.
pub(super) fn make(folder: &Path) -> Result<(), RedbError> {
    let refused = |source| refused(folder, source);
    make_folder(folder).map_err(refused)?;
    let path = folder.join(NAME);
    if !path.try_exists().map_err(refused)? {
        let (unfinished, file) = begin(folder).map_err(refused)?;
        let finished = finish(file).and_then(|()| publish(&unfinished, &path).map_err(refused));
        // If it stays the next start removes it.
        fs::remove_file(unfinished).unwrap_or_default();
        finished?;
    }
    // Also where the file was there before: whoever made it may have been killed just here.
    sync(folder).map_err(refused)
}

/// Removes what killed starts have left, as far as that goes. Only for whoever has the file open: then nobody can need an
/// unfinished one, and whoever is just making one finds the whole one there.
pub(super) fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_file(entry.path()).unwrap_or_default();
        }
    }
}

/// Makes an empty file with a name that nobody else has.
fn begin(folder: &Path) -> io::Result<(PathBuf, fs::File)> {
    let process = process::id();
    let mut number = 0_u32;
    loop {
        let path = folder.join(format!("{UNFINISHED}{process}-{number}"));
        match options().open(&path) {
            // A killed start has left it, whose process had the same id: in a container most have.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            made => return Ok((path, made?)),
        }
    }
}

/// Makes it a file of ours, which is durable when it is closed.
fn finish(file: fs::File) -> Result<(), RedbError> {
    let storage = FileBackend::new(file).map_err(broken)?;
    let database = builder().create_with_backend(storage).map_err(broken)?;
    File::checked(database).map(drop)
}

/// Gives it its name, unless there is a file with that name by now.
fn publish(unfinished: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(unfinished, path) {
        // Somebody else was first, and may have taken this one for a left-over.
        Err(_) if path.try_exists()? => Ok(()),
        linked => linked,
    }
}

fn refused(folder: &Path, source: io::Error) -> RedbError {
    let folder = folder.to_owned();
    RedbError::Folder { folder, source }
}

#[cfg(unix)]
fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// How an unfinished file is made: it must be new.
fn options() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes the names in a folder durable.
#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be synchronised.
#[cfg(not(unix))]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
