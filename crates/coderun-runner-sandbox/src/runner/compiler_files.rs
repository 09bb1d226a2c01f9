//! Limits the files that a compiler writes, and names the limit to the user whose compiler met it.

use coderun_domain::{ByteSize, Output, StorageLimits};

use crate::protocol::BUILT_ENTRIES_MAX;

/// The limits of a compiler that may write larger files than programs may: objects and programs hold every initialised array.
pub(super) struct CompilerFiles {
    /// Any one file.
    pub(super) file_size: ByteSize,
    /// All files together: an object, and the program that is linked from it.
    pub(super) disk: ByteSize,
}

impl CompilerFiles {
    /// The limits beside those of the program.
    pub(super) fn new(program: &StorageLimits) -> Self {
        Self {
            file_size: program.file_size().max(ByteSize::from_mib(64)),
            disk: program.disk().max(ByteSize::from_mib(192)),
        }
    }

    /// Adds the limit to the errors of a compiler that failed because of it.
    ///
    /// The C library's words for the two errors are all that compilers have in common.
    pub(super) fn name_limit(&self, errors: Output) -> Output {
        let text = String::from_utf8_lossy(errors.bytes());
        let (what, limit) = if text.contains("File too large") {
            ("a file", self.file_size)
        } else if text.contains("No space left on device") {
            ("all files", self.disk)
        } else {
            return errors;
        };
        let note = format!(
            "The compiler may write {what} of at most {limit}, initialised arrays included.\n"
        );
        with_note(&errors, &note)
    }

    /// Adds what must be built to the errors of a compiler that reported success and built nothing that can be run.
    pub(super) fn name_artefact(&self, artefact: &str, errors: &Output) -> Output {
        let limit = self.file_size;
        let note = if artefact.ends_with('/') {
            format!(
                "The compiler must build the folder `{artefact}`, with at least one byte and at most {limit} in at most \
                 {BUILT_ENTRIES_MAX} files and folders, whose names submitted files could have.\n"
            )
        } else {
            format!(
                "The compiler must build the file `{artefact}`, of at least one byte and at most {limit}.\n"
            )
        };
        with_note(errors, &note)
    }
}

fn with_note(errors: &Output, note: &str) -> Output {
    let all = [errors.bytes(), note.as_bytes()].concat();
    if errors.is_truncated() {
        Output::truncated(all)
    } else {
        Output::complete(all)
    }
}
