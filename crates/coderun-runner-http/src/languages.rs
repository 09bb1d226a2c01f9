//! Lists common languages with their canonical names, aliases, entry files and examples.
//!
//! To add a language, add an entry. The sandbox uses the same names, aliases, entry files and examples.

/// A common language.
#[derive(Debug)]
pub(crate) struct KnownLanguage {
    /// The canonical name.
    pub(crate) name: &'static str,
    /// Other names that mean it, in lower case.
    pub(crate) aliases: &'static [&'static str],
    /// The file name of the submitted code.
    pub(crate) entry_file: &'static str,
    /// A short program that prints a greeting.
    pub(crate) example: &'static str,
}

/// Languages that have no compile stage on any API: a call need not allow time for it.
const INTERPRETED: [&str; 10] = [
    "python",
    "javascript",
    "ruby",
    "php",
    "perl",
    "lua",
    "bash",
    "r",
    "julia",
    "elixir",
];

/// All known languages, in the order in which they are offered.
pub(crate) const KNOWN_LANGUAGES: [KnownLanguage; 22] = [
    KnownLanguage {
        name: "python",
        aliases: &["py", "python3", "cpython"],
        entry_file: "main.py",
        example: "print('Hello, World!')\n",
    },
    KnownLanguage {
        name: "javascript",
        aliases: &["js", "node", "nodejs"],
        entry_file: "main.js",
        example: "console.log('Hello, World!');\n",
    },
    KnownLanguage {
        name: "typescript",
        aliases: &["ts"],
        entry_file: "main.ts",
        example: "console.log('Hello, World!');\n",
    },
    KnownLanguage {
        name: "java",
        aliases: &[],
        entry_file: "Main.java",
        example: "public class Main {\n    public static void main(String[] args) {\n        System.out.println(\"Hello, World!\");\n    }\n}\n",
    },
    KnownLanguage {
        name: "c",
        aliases: &["gcc", "cc"],
        entry_file: "main.c",
        example: "#include <stdio.h>\n\nint main(void) {\n    puts(\"Hello, World!\");\n    return 0;\n}\n",
    },
    KnownLanguage {
        name: "cpp",
        aliases: &["c++", "cxx", "g++"],
        entry_file: "main.cpp",
        example: "#include <iostream>\n\nint main() {\n    std::cout << \"Hello, World!\\n\";\n}\n",
    },
    KnownLanguage {
        name: "csharp",
        aliases: &["c#", "cs"],
        entry_file: "main.cs",
        example: "using System;\n\npublic class Program {\n    public static void Main() {\n        Console.WriteLine(\"Hello, World!\");\n    }\n}\n",
    },
    KnownLanguage {
        name: "go",
        aliases: &["golang"],
        entry_file: "main.go",
        example: "package main\n\nimport \"fmt\"\n\nfunc main() {\n    fmt.Println(\"Hello, World!\")\n}\n",
    },
    KnownLanguage {
        name: "rust",
        aliases: &["rs"],
        entry_file: "main.rs",
        example: "fn main() {\n    println!(\"Hello, World!\");\n}\n",
    },
    KnownLanguage {
        name: "kotlin",
        aliases: &["kt"],
        entry_file: "main.kt",
        example: "fun main() {\n    println(\"Hello, World!\")\n}\n",
    },
    KnownLanguage {
        name: "swift",
        aliases: &[],
        entry_file: "main.swift",
        example: "print(\"Hello, World!\")\n",
    },
    KnownLanguage {
        name: "ruby",
        aliases: &["rb"],
        entry_file: "main.rb",
        example: "puts 'Hello, World!'\n",
    },
    KnownLanguage {
        name: "php",
        aliases: &[],
        entry_file: "main.php",
        example: "<?php\necho \"Hello, World!\\n\";\n",
    },
    KnownLanguage {
        name: "perl",
        aliases: &["pl"],
        entry_file: "main.pl",
        example: "print \"Hello, World!\\n\";\n",
    },
    KnownLanguage {
        name: "lua",
        aliases: &[],
        entry_file: "main.lua",
        example: "print('Hello, World!')\n",
    },
    KnownLanguage {
        name: "bash",
        aliases: &["sh", "shell"],
        entry_file: "main.sh",
        example: "echo 'Hello, World!'\n",
    },
    KnownLanguage {
        name: "r",
        aliases: &[],
        entry_file: "main.r",
        example: "cat('Hello, World!\\n')\n",
    },
    KnownLanguage {
        name: "haskell",
        aliases: &["hs"],
        entry_file: "main.hs",
        example: "main :: IO ()\nmain = putStrLn \"Hello, World!\"\n",
    },
    KnownLanguage {
        name: "scala",
        aliases: &[],
        entry_file: "main.scala",
        example: "@main def main(): Unit =\n  println(\"Hello, World!\")\n",
    },
    KnownLanguage {
        name: "dart",
        aliases: &[],
        entry_file: "main.dart",
        example: "void main() {\n  print('Hello, World!');\n}\n",
    },
    KnownLanguage {
        name: "julia",
        aliases: &["jl"],
        entry_file: "main.jl",
        example: "println(\"Hello, World!\")\n",
    },
    KnownLanguage {
        name: "elixir",
        aliases: &["exs"],
        entry_file: "main.exs",
        example: "IO.puts(\"Hello, World!\")\n",
    },
];

/// Finds a language by its canonical name, with its position in the list.
pub(crate) fn find(name: &str) -> Option<(usize, &'static KnownLanguage)> {
    let mut languages = KNOWN_LANGUAGES.iter().enumerate();
    languages.find(|(_, known)| known.name == name)
}

/// Whether programs in this language are run without a compile stage.
pub(crate) fn is_interpreted(name: &str) -> bool {
    INTERPRETED.contains(&name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use coderun_domain::Language;

    use super::*;

    #[test]
    fn every_name_is_canonical_and_means_one_language() {
        let mut seen = HashSet::new();
        for known in &KNOWN_LANGUAGES {
            assert!(Language::parse(known.name).is_ok(), "{}", known.name);
            for name in known.aliases.iter().chain([&known.name]) {
                assert_eq!(*name, name.to_lowercase());
                assert!(seen.insert(*name), "{name} means two languages");
            }
        }
    }

    #[test]
    fn every_interpreted_language_is_known() {
        assert!(INTERPRETED.iter().all(|name| find(name).is_some()));
        assert!(!is_interpreted("c"));
    }

    #[test]
    fn every_language_has_an_entry_file_and_a_greeting() {
        for known in &KNOWN_LANGUAGES {
            assert!(known.entry_file.contains('.'), "{}", known.name);
            assert!(known.example.contains("Hello, World!"), "{}", known.name);
        }
    }
}
