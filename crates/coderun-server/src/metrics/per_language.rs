//! One handle for each language, made when it is first met.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use coderun_domain::Language;

/// Handles by language. There are as many languages as runners offer.
pub(super) struct PerLanguage<T>(RwLock<HashMap<Language, T>>);

impl<T: Clone> PerLanguage<T> {
    pub(super) fn new() -> Self {
        Self(RwLock::new(HashMap::new()))
    }

    /// The handle of this language; made if there is none yet.
    pub(super) fn get(&self, language: &Language, make: impl FnOnce() -> T) -> T {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = known.get(language) {
            return handle.clone();
        }
        drop(known);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(language.clone()).or_insert_with(make).clone()
    }
}

impl<T> fmt::Debug for PerLanguage<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PerLanguage")
    }
}
