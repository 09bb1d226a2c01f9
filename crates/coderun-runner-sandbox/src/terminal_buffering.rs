//! Makes the C library of interactive programs buffer as on a terminal, though their streams are pipes.
//!
//! On a terminal a line is written when it is complete, and an incomplete one, such as a prompt, when the program reads.
//! On a pipe all is kept until there is much of it, so that a question would come after its answer. coreutils' `stdbuf`
//! brings a library that changes the buffers before `main` begins; it is loaded into interactive programs if the machine
//! has it.
//!
//! Not covered are programs that are linked statically, and those that buffer in another way than by the C library's
//! streams or choose their own buffers there.

use std::path::Path;

use crate::languages::LanguageEntry;
use crate::protocol::SYSTEM_FOLDERS;

/// Where distributions keep the library: below the folders that every sandbox has.
const LIBRARIES: [&str; 3] = [
    "/usr/libexec/coreutils/libstdbuf.so",
    "/usr/lib/coreutils/libstdbuf.so",
    "/usr/lib64/coreutils/libstdbuf.so",
];

/// What an interactive program of this language is to find in its environment: nothing, if its language shows prompts by
/// itself or the library is missing.
pub(crate) fn environment(entry: &LanguageEntry) -> Vec<(String, String)> {
    if entry.build.is_none() {
        // Interpreters buffer by themselves.
        return Vec::new();
    }
    let library = LIBRARIES.into_iter().find(|path| is_there(Path::new(path)));
    let Some(library) = library else {
        return Vec::new();
    };
    // The C library writes the lines that wait when a stream is read that is buffered by lines itself.
    [
        ("LD_PRELOAD", library),
        ("_STDBUF_I", "L"),
        ("_STDBUF_O", "L"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Whether a file is there, and in every sandbox too.
fn is_there(path: &Path) -> bool {
    path.canonicalize().is_ok_and(|real| {
        real.is_file() && SYSTEM_FOLDERS.iter().any(|system| real.starts_with(system))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::languages::LANGUAGES;

    #[test]
    fn only_what_is_compiled_needs_another_library() {
        for entry in &LANGUAGES {
            let is_compiled = entry.build.is_some();
            assert!(
                is_compiled || environment(entry).is_empty(),
                "{}",
                entry.name
            );
        }
    }

    #[test]
    fn what_a_sandbox_does_not_show_is_not_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("libstdbuf.so");
        std::fs::write(&library, "").unwrap();
        assert!(library.is_file() && !is_there(&library));
    }
}
