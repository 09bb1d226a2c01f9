//! Defines enums whose values have fixed names, which stand in records, messages and documents.

/// Defines an enum with `ALL`, `as_str`, `from_name` and `Display` from a list of values and their names.
macro_rules! named_enum {
    ($(#[$attribute:meta])* pub enum $enum:ident {
        $($(#[$doc:meta])* $value:ident => $name:literal,)+
    }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $enum {
            $($(#[$doc])* $value,)+
        }

        impl $enum {
            /// All values.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$value),+];

            /// The name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }

            /// The value with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.into_iter().find(|value| value.as_str() == name)
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use named_enum;

#[cfg(test)]
mod tests {
    use crate::Verdict;

    #[test]
    fn every_name_names_one_value() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_name(verdict.as_str()), Some(verdict));
            assert_eq!(verdict.to_string(), verdict.as_str());
        }
        assert_eq!(Verdict::from_name("ok"), None);
    }
}
