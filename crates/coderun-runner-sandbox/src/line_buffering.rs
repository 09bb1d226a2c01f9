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

/// The environment variables that make programs of this language write each line at once: those of the language, and those
/// that load the library, if its programs use the C library's streams and the library is there.
pub(crate) fn environment(entry: &LanguageEntry) -> Vec<(String, String)> {
    let own = entry.line_buffering.iter();
    let mut variables: Vec<_> = own
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut libraries = LIBRARIES.into_iter();
    let library = libraries.find(|path| entry.c_streams && is_visible(Path::new(path)));
    // The C library flushes its line-buffered output when a stream is read that is line-buffered itself.
    let preloaded = library.map(|library| {
        [
            ("LD_PRELOAD", library),
            ("_STDBUF_I", "L"),
            ("_STDBUF_O", "L"),
            // The address sanitizer refuses to run behind another library, unless it is told not to check.
            ("ASAN_OPTIONS", "verify_asan_link_order=0"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    });
    variables.extend(preloaded.into_iter().flatten());
    variables
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
    fn only_programs_with_the_streams_of_the_c_library_need_it() {
        for entry in LanguageTable::built_in().entries() {
            let variables = environment(entry);
            let is_loaded = variables.iter().any(|(name, _)| name == "LD_PRELOAD");
            assert!(entry.c_streams || !is_loaded, "{}", entry.name());
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
