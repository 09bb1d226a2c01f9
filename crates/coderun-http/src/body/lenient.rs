//! Reads fields of any JSON type, so that all mistyped ones are reported at once.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::problem::ProblemEntry;

/// The most errors that one answer lists.
const FAULTS_MAX: usize = 100;
/// The most entries of a list that are kept; every list has a lower limit of its own.
const ENTRIES_MAX: usize = 1000;

/// A field as it arrived.
#[derive(Debug, Default)]
pub(crate) enum Lenient<T> {
    #[default]
    Absent,
    /// As good as absent.
    Null,
    Given(T),
    /// JSON of another type, which was dropped.
    Mistyped,
    /// More than one value, which were dropped.
    Repeated,
}

/// A type of field. Of JSON of any other type nothing is kept.
pub(crate) trait FromJson: Sized {
    /// What a field must be, as errors say it.
    const EXPECTED: &'static str;

    fn from_bool(_: bool) -> Option<Self> {
        None
    }

    fn from_number(_: u64) -> Option<Self> {
        None
    }

    fn from_text(_: String) -> Option<Self> {
        None
    }

    fn from_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Option<Self>, A::Error> {
        skip(list).map(|()| None)
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// The errors of a body, up to [`FAULTS_MAX`].
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<ProblemEntry>);

impl Faults {
    pub(crate) fn add(&mut self, path: impl fmt::Display, detail: &'static str) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(ProblemEntry::of_field(path, detail));
        }
    }

    pub(crate) fn into_entries(self) -> Vec<ProblemEntry> {
        self.0
    }
}

impl<T: FromJson> Lenient<T> {
    /// The value, if there is one. Reports a mistyped or repeated one.
    pub(crate) fn take(self, path: impl fmt::Display, faults: &mut Faults) -> Option<T> {
        match self {
            Self::Given(value) => return Some(value),
            Self::Absent | Self::Null => {}
            Self::Mistyped => faults.add(path, T::EXPECTED),
            Self::Repeated => faults.add(path, "must not be given twice"),
        }
        None
    }

    /// Whether there is no value.
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent | Self::Null)
    }

    /// Reads the value of this field from its object.
    pub(crate) fn read<'de, A: MapAccess<'de>>(&mut self, object: &mut A) -> Result<(), A::Error> {
        let value = object.next_value()?;
        *self = match self {
            Self::Absent => value,
            Self::Null | Self::Given(_) | Self::Mistyped | Self::Repeated => Self::Repeated,
        };
        Ok(())
    }
}

/// Defines JSON objects by their fields, all of which are optional. Other fields are ignored.
macro_rules! json_objects {
    ($($(#[$attribute:meta])* $visibility:vis struct $object:ident { $($field:ident: $type:ty,)+ })+) => {$(
        $(#[$attribute])*
        #[derive(Default)]
        $visibility struct $object {
            $($field: $crate::body::Lenient<$type>,)+
        }

        impl $crate::body::FromJson for $object {
            const EXPECTED: &'static str = "must be an object";

            fn from_object<'de, A: serde::de::MapAccess<'de>>(
                mut object: A,
            ) -> Result<Option<Self>, A::Error> {
                #[derive(serde::Deserialize)]
                #[serde(field_identifier)]
                #[expect(non_camel_case_types, reason = "the names of the fields")]
                enum Field {
                    $($field,)+
                    #[serde(other)]
                    Unknown,
                }

                let mut fields = Self::default();
                while let Some(field) = object.next_key()? {
                    match field {
                        $(Field::$field => fields.$field.read(&mut object)?,)+
                        Field::Unknown => {
                            object.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(Some(fields))
            }
        }
    )+};
}
pub(crate) use json_objects;

impl FromJson for bool {
    const EXPECTED: &'static str = "must be true or false";

    fn from_bool(value: bool) -> Option<Self> {
        Some(value)
    }
}

impl FromJson for u64 {
    const EXPECTED: &'static str = "must be a whole number of at least 0";

    fn from_number(value: u64) -> Option<Self> {
        Some(value)
    }
}

impl FromJson for String {
    const EXPECTED: &'static str = "must be a string";

    fn from_text(text: String) -> Option<Self> {
        Some(text)
    }
}

/// The entries of a list, up to [`ENTRIES_MAX`].
#[derive(Debug)]
pub(crate) struct Entries<T> {
    first: Vec<Lenient<T>>,
    has_more: bool,
}

impl<T: FromJson> FromJson for Entries<T> {
    const EXPECTED: &'static str = "must be a list";

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut first = Vec::new();
        while first.len() < ENTRIES_MAX {
            match list.next_element()? {
                Some(entry) => first.push(entry),
                None => break,
            }
        }
        let has_more = first.len() == ENTRIES_MAX && list.next_element::<IgnoredAny>()?.is_some();
        skip(list)?;
        Ok(Some(Self { first, has_more }))
    }
}

impl<T: FromJson> Entries<T> {
    /// All entries that were kept.
    pub(crate) fn into_all(self) -> Vec<Lenient<T>> {
        self.first
    }

    /// The entries of the right type. Reports the others, and a list that is too long.
    pub(crate) fn take(self, path: &str, faults: &mut Faults) -> Vec<(usize, T)> {
        if self.has_more {
            faults.add(path, "has too many entries");
        }
        let entries = self.first.into_iter().enumerate();
        entries
            .filter_map(|(index, entry)| match entry {
                Lenient::Given(value) => Some((index, value)),
                Lenient::Absent | Lenient::Null | Lenient::Mistyped | Lenient::Repeated => {
                    faults.add(format_args!("{path}[{index}]"), T::EXPECTED);
                    None
                }
            })
            .collect()
    }
}

fn skip<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl<'de, T: FromJson> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LenientVisitor(PhantomData))
    }
}

struct LenientVisitor<T>(PhantomData<T>);

impl<'de, T: FromJson> Visitor<'de> for LenientVisitor<T> {
    type Value = Lenient<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Lenient::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(T::from_bool(value).into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(T::from_number(value).into())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Lenient::Mistyped)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Lenient::Mistyped)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        self.visit_string(text.to_owned())
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(T::from_text(text).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::from_list(list).map(Lenient::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::from_object(object).map(Lenient::from)
    }
}

impl<T> From<Option<T>> for Lenient<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Mistyped, Self::Given)
    }
}
