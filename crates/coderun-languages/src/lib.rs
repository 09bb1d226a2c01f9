//! Knows languages as data: names, file names, examples, how the built-in sandbox finds, builds and runs them, and what
//! beginners' mistakes in them look like.
//!
//! `languages.toml` lists them, in the order in which they are offered. To add a language, add a table there, or to a file of
//! the operator's, which may also change single keys:
//!
//! ```
//! use coderun_languages::LanguageTable;
//!
//! let own = "[python]\nfile = \"code.py\"";
//! let table = LanguageTable::with_file(own)?;
//! let (_, python) = table.find("python").unwrap();
//! assert_eq!(python.file, "code.py");
//! # Ok::<(), coderun_languages::LanguageTableError>(())
//! ```

mod check;
mod code_names;
mod entry;
mod hints;
mod limits;
mod table;

pub use code_names::{CodeNames, NameRule};
pub use entry::LanguageEntry;
pub use hints::HintTable;
pub use limits::{ChosenLimits, LimitsEntry};
pub use table::{LanguageTable, LanguageTableError};
