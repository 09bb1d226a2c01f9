//! Creates the file: complete under another name first, so that no process ever opens half of one.

use std::path::{Path, PathBuf};
use std::{fs, io, process};

use redb::backends::FileBackend;

use super::schema::{NAME, builder, prepare};
use crate::RedbError;

/// Begins the names of files that are not complete yet.
const UNFINISHED: &str = "coderun.redb.new-";

/// Creates folder and file, for their owner only. An existing file stays as it is.
///
/// Of several processes that start at a time one creates the file. A start that is killed leaves nothing, an unfinished
/// file, or the complete one.
pub(super) fn create(folder: &Path) -> Result<(), RedbError> {
    let failed = |source| folder_error(folder, source);
    create_folder(folder).map_err(failed)?;
    let path = folder.join(NAME);
    if !path.try_exists().map_err(failed)? {
        let (unfinished, file) = begin(folder).map_err(failed)?;
        let finished = finish(file).and_then(|()| publish(&unfinished, &path).map_err(failed));
        // If this fails the next start removes it.
        fs::remove_file(unfinished).unwrap_or_default();
        finished?;
    }
    // Also for an existing file: the process that created it may have been killed just here.
    sync(folder).map_err(failed)
}

/// Removes the unfinished files of killed starts, as far as possible. The caller has the file open: then no process needs
/// an unfinished one, and a process that is creating one finds the complete file.
pub(super) fn remove_unfinished(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
            fs::remove_file(entry.path()).unwrap_or_default();
        }
    }
}

/// Creates an empty file under a name of its own.
fn begin(folder: &Path) -> io::Result<(PathBuf, fs::File)> {
    let process = process::id();
    let mut number = 0_u32;
    loop {
        let path = folder.join(format!("{UNFINISHED}{process}-{number}"));
        match options().open(&path) {
            // Left by a killed start with the same process id, as most have in a container.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            created => return Ok((path, created?)),
        }
    }
}

/// Prepares the file. It is durable when this closes it.
fn finish(file: fs::File) -> Result<(), RedbError> {
    let storage = FileBackend::new(file).map_err(RedbError::file)?;
    let database = builder()
        .create_with_backend(storage)
        .map_err(RedbError::file)?;
    prepare(&database)
}

/// Gives the file its name, unless there is a file with that name by now.
fn publish(unfinished: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(unfinished, path) {
        // Another process was first, and may have removed this file as left over.
        Err(_) if path.try_exists()? => Ok(()),
        linked => linked,
    }
}

fn folder_error(folder: &Path, source: io::Error) -> RedbError {
    let folder = folder.to_owned();
    RedbError::Folder { folder, source }
}

#[cfg(unix)]
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// The options of an unfinished file: it must be new.
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

/// Other systems cannot synchronise a folder.
#[cfg(not(unix))]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
