//! Creates the file: complete under another name first, so that no process ever opens half of one.

use std::path::Path;
use std::{fs, io};

use redb::backends::FileBackend;
use tempfile::TempPath;

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
        let (file, unfinished) = begin(folder).map_err(failed)?;
        finish(file)?;
        publish(unfinished, &path).map_err(failed)?;
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

/// Creates an empty file under a name of its own, for its owner only. It is removed if it is not published.
fn begin(folder: &Path) -> io::Result<(fs::File, TempPath)> {
    let unfinished = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)?;
    Ok(unfinished.into_parts())
}

/// Prepares the file. It is durable when this closes it.
fn finish(file: fs::File) -> Result<(), RedbError> {
    let storage = FileBackend::new(file)?;
    let database = builder().create_with_backend(storage)?;
    prepare(&database)
}

/// Gives the file its name, unless there is a file with that name by now.
fn publish(unfinished: TempPath, path: &Path) -> io::Result<()> {
    match unfinished.persist_noclobber(path) {
        // Another process was first, and may have removed this file as left over.
        Err(_) if path.try_exists()? => Ok(()),
        published => Ok(published?),
    }
}

fn folder_error(folder: &Path, source: io::Error) -> RedbError {
    let folder = folder.to_owned();
    RedbError::Folder { folder, source }
}

fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the names in a folder durable. Other systems cannot synchronise a folder.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
