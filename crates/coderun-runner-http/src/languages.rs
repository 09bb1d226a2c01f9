//! What is known of common languages, whoever runs them: to add one, add an entry.
//!
//! Names, aliases, entry files and examples are those of the sandbox where it has the language.

/// One well-known language.
#[derive(Debug)]
pub(crate) struct WellKnown {
    /// The canonical name.
    pub(crate) name: &'static str,
    /// What Piston calls it.
    pub(crate) piston_name: &'static str,
    /// The package that is meant where Piston has several for it: what programs in this language are written for.
    pub(crate) piston_runtime: Option<&'static str>,
    /// Other names that mean it, in lower case.
    pub(crate) aliases: &'static [&'static str],
    /// The name of the submitted code.
    pub(crate) entry_file: &'static str,
    /// A short program that prints a greeting.
    pub(crate) example: &'static str,
}

/// All well-known languages, in the order in which they are offered.
pub(crate) const WELL_KNOWN: [WellKnown; 22] = [
    WellKnown {
        name: "python",
        piston_name: "python",
        piston_runtime: None,
        aliases: &["py", "python3", "cpython"],
        entry_file: "main.py",
        example: "print('Hello, World!')\n",
    },
    WellKnown {
        name: "javascript",
        piston_name: "javascript",
        piston_runtime: Some("node"),
        aliases: &["js", "node", "nodejs"],
        entry_file: "main.js",
        example: "console.log('Hello, World!');\n",
    },
    WellKnown {
        name: "typescript",
        piston_name: "typescript",
        piston_runtime: None,
        aliases: &["ts"],
        entry_file: "main.ts",
        example: "console.log('Hello, World!');\n",
    },
    WellKnown {
        name: "java",
        piston_name: "java",
        piston_runtime: None,
        aliases: &[],
        entry_file: "Main.java",
        example: "public class Main {\n    public static void main(String[] args) {\n        System.out.println(\"Hello, World!\");\n    }\n}\n",
    },
    WellKnown {
        name: "c",
        piston_name: "c",
        piston_runtime: Some("gcc"),
        aliases: &["gcc", "cc"],
        entry_file: "main.c",
        example: "#include <stdio.h>\n\nint main(void) {\n    puts(\"Hello, World!\");\n    return 0;\n}\n",
    },
    WellKnown {
        name: "cpp",
        piston_name: "c++",
        piston_runtime: Some("gcc"),
        aliases: &["c++", "cxx", "g++"],
        entry_file: "main.cpp",
        example: "#include <iostream>\n\nint main() {\n    std::cout << \"Hello, World!\\n\";\n}\n",
    },
    WellKnown {
        name: "csharp",
        piston_name: "csharp",
        piston_runtime: Some("mono"),
        aliases: &["c#", "cs"],
        entry_file: "main.cs",
        example: "using System;\n\npublic class Program {\n    public static void Main() {\n        Console.WriteLine(\"Hello, World!\");\n    }\n}\n",
    },
    WellKnown {
        name: "go",
        piston_name: "go",
        piston_runtime: None,
        aliases: &["golang"],
        entry_file: "main.go",
        example: "package main\n\nimport \"fmt\"\n\nfunc main() {\n    fmt.Println(\"Hello, World!\")\n}\n",
    },
    WellKnown {
        name: "rust",
        piston_name: "rust",
        piston_runtime: None,
        aliases: &["rs"],
        entry_file: "main.rs",
        example: "fn main() {\n    println!(\"Hello, World!\");\n}\n",
    },
    WellKnown {
        name: "kotlin",
        piston_name: "kotlin",
        piston_runtime: None,
        aliases: &["kt"],
        entry_file: "main.kt",
        example: "fun main() {\n    println(\"Hello, World!\")\n}\n",
    },
    WellKnown {
        name: "swift",
        piston_name: "swift",
        piston_runtime: None,
        aliases: &[],
        entry_file: "main.swift",
        example: "print(\"Hello, World!\")\n",
    },
    WellKnown {
        name: "ruby",
        piston_name: "ruby",
        piston_runtime: None,
        aliases: &["rb"],
        entry_file: "main.rb",
        example: "puts 'Hello, World!'\n",
    },
    WellKnown {
        name: "php",
        piston_name: "php",
        piston_runtime: None,
        aliases: &[],
        entry_file: "main.php",
        example: "<?php\necho \"Hello, World!\\n\";\n",
    },
    WellKnown {
        name: "perl",
        piston_name: "perl",
        piston_runtime: None,
        aliases: &["pl"],
        entry_file: "main.pl",
        example: "print \"Hello, World!\\n\";\n",
    },
    WellKnown {
        name: "lua",
        piston_name: "lua",
        piston_runtime: None,
        aliases: &[],
        entry_file: "main.lua",
        example: "print('Hello, World!')\n",
    },
    WellKnown {
        name: "bash",
        piston_name: "bash",
        piston_runtime: None,
        aliases: &["sh", "shell"],
        entry_file: "main.sh",
        example: "echo 'Hello, World!'\n",
    },
    WellKnown {
        name: "r",
        piston_name: "rscript",
        piston_runtime: None,
        aliases: &[],
        entry_file: "main.r",
        example: "cat('Hello, World!\\n')\n",
    },
    WellKnown {
        name: "haskell",
        piston_name: "haskell",
        piston_runtime: None,
        aliases: &["hs"],
        entry_file: "main.hs",
        example: "main :: IO ()\nmain = putStrLn \"Hello, World!\"\n",
    },
    WellKnown {
        name: "scala",
        piston_name: "scala",
        piston_runtime: None,
        aliases: &[],
        entry_file: "main.scala",
        example: "@main def main(): Unit =\n  println(\"Hello, World!\")\n",
    },
    WellKnown {
        name: "dart",
        piston_name: "dart",
        piston_runtime: None,
        aliases: &[],
        entry_file: "main.dart",
        example: "void main() {\n  print('Hello, World!');\n}\n",
    },
    WellKnown {
        name: "julia",
        piston_name: "julia",
        piston_runtime: None,
        aliases: &["jl"],
        entry_file: "main.jl",
        example: "println(\"Hello, World!\")\n",
    },
    WellKnown {
        name: "elixir",
        piston_name: "elixir",
        piston_runtime: None,
        aliases: &["exs"],
        entry_file: "main.exs",
        example: "IO.puts(\"Hello, World!\")\n",
    },
];

/// The well-known language that Piston calls so.
pub(crate) fn by_piston_name(name: &str) -> Option<&'static WellKnown> {
    WELL_KNOWN.iter().find(|known| known.piston_name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use coderun_domain::Language;

    use super::*;

    #[test]
    fn every_name_is_canonical_and_means_one_language() {
        let mut seen = HashSet::new();
        for known in &WELL_KNOWN {
            assert!(Language::parse(known.name).is_ok(), "{}", known.name);
            for name in known.aliases.iter().chain([&known.name]) {
                assert_eq!(*name, name.to_lowercase());
                assert!(seen.insert(*name), "{name} means two languages");
            }
        }
    }

    #[test]
    fn no_two_have_the_same_name_at_piston() {
        let names: HashSet<_> = WELL_KNOWN.iter().map(|known| known.piston_name).collect();
        assert_eq!(names.len(), WELL_KNOWN.len());
        assert_eq!(by_piston_name("c++").map(|known| known.name), Some("cpp"));
        assert!(by_piston_name("gcc").is_none());
    }

    #[test]
    fn every_language_has_an_entry_file_and_a_greeting() {
        for known in &WELL_KNOWN {
            assert!(known.entry_file.contains('.'), "{}", known.name);
            assert!(known.example.contains("Hello, World!"), "{}", known.name);
        }
    }
}
