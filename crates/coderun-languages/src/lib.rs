//! Knows languages as data: names, file names, examples, and how the built-in sandbox finds, builds and runs them.
//!
//! `languages.toml` lists them, in the order in which they are offered. To add a language, add a table there:
//!
//! ```
//! use coderun_languages::LanguageTable;
//!
//! let table = LanguageTable::built_in();
//! let (_, python) = table.find("python").unwrap();
//! assert_eq!(python.file, "main.py");
//! ```

mod entry;
mod table;

pub use entry::LanguageEntry;
pub use table::LanguageTable;
