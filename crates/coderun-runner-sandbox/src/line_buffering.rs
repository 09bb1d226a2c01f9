//! Makes the C library of compiled programs write each line at once, though their streams are pipes.
//!
//! On a pipe output is kept until there is much of it: it would come late, a prompt after its answer, and what a program
//! wrote before a crash or a kill would be lost. coreutils' `stdbuf` brings a library that changes the buffers before `main`
//! begins. Programs are loaded with it if the machine has it.
//!
//! Not covered are programs that are linked statically, and those that buffer in another way than by the C library's
//! streams or choose their own buffers there, such as C++ after `sync_with_stdio(false)`.

use std::path::Path;

use coderun_languages::LanguageEntry;

use crate::protocol::SYSTEM_FOLDERS;

/// The paths of the library in distributions, in folders that every sandbox has.
const LIBRARIES: [&str; 3] = [
    "/usr/libexec/coreutils/libstdbuf.so",
    "/usr/lib/coreutils/libstdbuf.so",
    "/usr/lib64/coreutils/libstdbuf.so",
];

/// The environment variables that load the library into programs of this language: none, if they are run by an interpreter or
/// the library is missing.
pub(crate) fn environment(entry: &LanguageEntry) -> Vec<(String, String)> {
    if !entry.is_compiled() {
        // Interpreters buffer by themselves.
        return Vec::new();
    }
    let library = LIBRARIES
        .into_iter()
        .find(|path| is_visible(Path::new(path)));
    let Some(library) = library else {
        return Vec::new();
    };
    // The C library flushes its line-buffered output when a stream is read that is line-buffered itself.
    [
        ("LD_PRELOAD", library),
        ("_STDBUF_I", "L"),
        ("_STDBUF_O", "L"),
        // The address sanitizer refuses to run behind another library, unless it is told not to check.
        ("ASAN_OPTIONS", "verify_asan_link_order=0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Whether a file exists, and is visible in every sandbox.
fn is_visible(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|real| {
        real.is_file() && SYSTEM_FOLDERS.iter().any(|system| real.starts_with(system))
    })
}

#[cfg(test)]
mod tests {
    use coderun_languages::LanguageTable;

    use super::*;

    #[test]
    fn only_compiled_languages_need_the_library() {
        for entry in LanguageTable::built_in().entries() {
            let is_empty = environment(entry).is_empty();
            assert!(entry.is_compiled() || is_empty, "{}", entry.name());
        }
    }

    #[test]
    fn a_library_that_a_sandbox_does_not_show_is_not_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libstdbuf.so");
        std::fs::write(&library, "").unwrap();
        assert!(library.is_file() && !is_visible(&library));
    }
}
