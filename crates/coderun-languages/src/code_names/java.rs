//! Reads the names of the types in Java code, as far as file and class need it.

/// A type that is not in another one.
#[derive(Debug, Default)]
struct TopLevelType<'a> {
    name: &'a str,
    is_public: bool,
    has_main: bool,
}

/// The file that the code must be in, if it has a public type, and the class to run: one with `main` in the code, or else in
/// the other files, or else any of the code.
pub(super) fn names<'a>(
    code: &str,
    others: impl IntoIterator<Item = &'a str>,
) -> (Option<String>, Option<String>) {
    let of_code = Declarations::read(code);
    let public = of_code.types.iter().find(|it| it.is_public);
    let main_elsewhere = || {
        let mut others = others.into_iter().filter(|text| text.contains("main"));
        others.find_map(|text| Declarations::read(text).main_class())
    };
    let any_type = || Some(of_code.full_name(public.or(of_code.types.first())?));
    let class = of_code
        .main_class()
        .or_else(main_elsewhere)
        .or_else(any_type);
    (public.map(|it| format!("{}.java", it.name)), class)
}

/// The package and the types of a file.
#[derive(Debug, Default)]
struct Declarations<'a> {
    /// With a dot at its end; empty for the unnamed one.
    package: String,
    types: Vec<TopLevelType<'a>>,
}

impl<'a> Declarations<'a> {
    /// The class with `main`.
    fn main_class(&self) -> Option<String> {
        let mut types = self.types.iter();
        types.find(|it| it.has_main).map(|it| self.full_name(it))
    }

    fn full_name(&self, declared: &TopLevelType<'_>) -> String {
        format!("{}{}", self.package, declared.name)
    }

    fn read(code: &'a str) -> Self {
        let mut found = Self::default();
        let (mut depth, mut is_public, mut before) = (0_usize, false, "");
        let mut tokens = Tokens(code).peekable();
        while let Some(token) = tokens.next() {
            match (depth, token) {
                (_, "{") => depth += 1,
                (_, "}") => depth = depth.saturating_sub(1),
                (0, "public") => is_public = true,
                (0, "package") => {
                    let parts = std::iter::from_fn(|| tokens.next_if(|next| *next != ";"));
                    found.package = parts.chain(["."]).collect();
                }
                (0, "class" | "interface" | "enum" | "record") => {
                    if let Some(name) = tokens.next_if(|next| is_word(next)) {
                        found.types.push(TopLevelType {
                            name,
                            is_public,
                            has_main: false,
                        });
                        is_public = false;
                    }
                }
                (1, "main") if before == "void" && tokens.peek() == Some(&"(") => {
                    if let Some(last) = found.types.last_mut() {
                        last.has_main = true;
                    }
                }
                _ => {}
            }
            before = token;
        }
        found
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(is_word_char)
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The words and signs of Java code, without white space, comments and literals.
struct Tokens<'a>(&'a str);

impl<'a> Iterator for Tokens<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            self.0 = self.0.trim_start();
            let first = self.0.chars().next()?;
            let skipped = if self.0.starts_with("//") {
                self.0.find('\n')
            } else if self.0.starts_with("/*") {
                end_of(self.0, "/*", "*/")
            } else if self.0.starts_with("\"\"\"") {
                end_of_literal(self.0, "\"\"\"")
            } else if first == '"' || first == '\'' {
                end_of_literal(self.0, if first == '"' { "\"" } else { "'" })
            } else {
                let word = self.0.find(|c| !is_word_char(c)).unwrap_or(self.0.len());
                let (token, rest) = self.0.split_at(word.max(first.len_utf8()));
                self.0 = rest;
                return Some(token);
            };
            // What does not end takes all the rest.
            self.0 = self
                .0
                .get(skipped.unwrap_or(self.0.len())..)
                .unwrap_or_default();
        }
    }
}

/// The position after the first `close` that follows `open`, with which the text begins.
fn end_of(text: &str, open: &str, close: &str) -> Option<usize> {
    let inside = text.get(open.len()..)?;
    Some(open.len() + inside.find(close)? + close.len())
}

/// The position after a literal, in which a backslash takes the meaning of the character after it.
fn end_of_literal(text: &str, quote: &str) -> Option<usize> {
    let mut position = quote.len();
    loop {
        let rest = text.get(position..)?;
        if rest.starts_with(quote) {
            return Some(position + quote.len());
        }
        let mut chars = rest.chars();
        let first = chars.next()?;
        position += first.len_utf8();
        if first == '\\' {
            position += chars.next()?.len_utf8();
        } else if first == '\n' && quote.len() == 1 {
            // Not closed on its line, which is an error that the compiler reports.
            return Some(position);
        }
    }
}
