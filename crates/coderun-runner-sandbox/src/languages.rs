//! Lists the languages of the sandbox, one entry each: to add a language, add an entry.

/// How to find, build and run programs of one language.
#[derive(Debug)]
pub(crate) struct LanguageEntry {
    /// The canonical name.
    pub(crate) name: &'static str,
    /// Other names that mean it.
    pub(crate) aliases: &'static [&'static str],
    /// The name of the submitted code.
    pub(crate) entry_file: &'static str,
    /// Names of its compiler or interpreter; the first that answers is used.
    pub(crate) candidates: &'static [&'static str],
    /// How place and version of the tool are found.
    pub(crate) discovery: Discovery,
    /// How programs are built, for languages that are compiled.
    pub(crate) build: Option<Build>,
    /// Environment variables beside those of all programs. In their values [`MEMORY_MIB`] stands for the memory limit.
    pub(crate) environment: &'static [(&'static str, &'static str)],
    /// A short program that prints a greeting.
    pub(crate) example: &'static str,
}

/// Stands for the memory limit, in MiB.
pub(crate) const MEMORY_MIB: &str = "{memory_mib}";

/// How place and version of a tool are found.
#[derive(Debug)]
pub(crate) enum Discovery {
    /// With these arguments it prints lines: its own path, its folder, its version. This sees through the stand-ins of
    /// version managers.
    PrintsPathFolderVersion(&'static [&'static str]),
    /// With the arguments `version` it prints its version, and with each of `parts` the path of one of its programs. It is
    /// where its name leads.
    PrintsVersion {
        version: &'static [&'static str],
        parts: &'static [&'static str],
    },
}

/// How programs of a language are built.
#[derive(Debug)]
pub(crate) struct Build {
    /// Arguments of the compiler before the source files.
    pub(crate) arguments: &'static [&'static str],
    /// Arguments after them.
    pub(crate) last_arguments: &'static [&'static str],
    /// Submitted files with this ending are built together with the entry file.
    pub(crate) source_ending: &'static str,
    /// The built file, in the folder of the sources.
    pub(crate) artefact: &'static str,
}

/// All languages, in the order in which they are offered.
pub(crate) const LANGUAGES: [LanguageEntry; 5] = [
    LanguageEntry {
        name: "python",
        aliases: &["py", "python3", "cpython"],
        entry_file: "main.py",
        candidates: &["python3", "python"],
        discovery: Discovery::PrintsPathFolderVersion(&[
            "-I",
            "-c",
            "import os, platform, sys\n\
             print(os.path.realpath(getattr(sys, '_base_executable', sys.executable)))\n\
             print(os.path.realpath(sys.base_prefix))\n\
             print(platform.python_version())",
        ]),
        build: None,
        environment: &[
            ("PYTHONUNBUFFERED", "1"),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("PYTHONUTF8", "1"),
        ],
        example: "print('Hello, World!')\n",
    },
    LanguageEntry {
        name: "javascript",
        aliases: &["js", "node", "nodejs"],
        entry_file: "main.js",
        candidates: &["node", "nodejs"],
        discovery: Discovery::PrintsPathFolderVersion(&[
            "-e",
            "const { realpathSync: real } = require('fs');\
             const path = real(process.execPath);\
             console.log(path);\
             console.log(require('path').dirname(path));\
             console.log(process.versions.node);",
        ]),
        build: None,
        environment: &[
            ("NODE_DISABLE_COLORS", "1"),
            // Else it would keep its heap to half of the memory that it is told.
            ("NODE_OPTIONS", "--max-old-space-size={memory_mib}"),
        ],
        example: "console.log('Hello, World!');\n",
    },
    LanguageEntry {
        name: "bash",
        aliases: &["sh", "shell"],
        entry_file: "main.sh",
        candidates: &["bash"],
        discovery: Discovery::PrintsVersion {
            version: &[
                "--noprofile",
                "--norc",
                "-c",
                "echo ${BASH_VERSINFO[0]}.${BASH_VERSINFO[1]}.${BASH_VERSINFO[2]}",
            ],
            parts: &[],
        },
        build: None,
        environment: &[],
        example: "echo 'Hello, World!'\n",
    },
    LanguageEntry {
        name: "c",
        aliases: &["gcc", "cc"],
        entry_file: "main.c",
        candidates: &["gcc", "cc", "clang"],
        discovery: COMPILER,
        build: Some(Build {
            arguments: &["-O2", "-pipe", "-std=gnu17", "-o", "main"],
            last_arguments: &["-lm"],
            source_ending: ".c",
            artefact: "main",
        }),
        environment: &[],
        example: "#include <stdio.h>\n\nint main(void) {\n    puts(\"Hello, World!\");\n    return 0;\n}\n",
    },
    LanguageEntry {
        name: "cpp",
        aliases: &["c++", "cxx", "g++"],
        entry_file: "main.cpp",
        candidates: &["g++", "c++", "clang++"],
        discovery: COMPILER,
        build: Some(Build {
            arguments: &["-O2", "-pipe", "-std=gnu++17", "-o", "main"],
            last_arguments: &[],
            source_ending: ".cpp",
            artefact: "main",
        }),
        environment: &[],
        example: "#include <iostream>\n\nint main() {\n    std::cout << \"Hello, World!\\n\";\n}\n",
    },
];

const COMPILER: Discovery = Discovery::PrintsVersion {
    version: &["-dumpfullversion", "-dumpversion"],
    parts: &[
        "-print-prog-name=cc1",
        "-print-prog-name=as",
        "-print-prog-name=ld",
        "-print-libgcc-file-name",
    ],
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use coderun_domain::Language;

    use super::*;

    #[test]
    fn every_name_is_canonical_and_means_one_language() {
        let mut seen = HashSet::new();
        for entry in &LANGUAGES {
            assert!(Language::parse(entry.name).is_ok(), "{}", entry.name);
            for name in entry.aliases.iter().chain([&entry.name]) {
                assert_eq!(*name, name.to_lowercase());
                assert!(seen.insert(*name), "{name} means two languages");
            }
        }
    }

    #[test]
    fn what_is_built_from_sources_has_a_source_as_its_entry() {
        for entry in &LANGUAGES {
            if let Some(build) = &entry.build {
                assert!(entry.entry_file.ends_with(build.source_ending));
            }
        }
    }
}
