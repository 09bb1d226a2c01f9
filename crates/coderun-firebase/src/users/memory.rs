//! Remembers a bounded number of users, those asked for last.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;

/// A map that forgets what was not asked for lately, and never holds more entries than it may.
///
/// It has two halves. Whatever is asked for moves to the young one; once that is full, the old one is forgotten and
/// the young one grows old. So each step takes constant time, and the last half of the bound is always remembered.
#[derive(Debug)]
pub(super) struct Memory<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Eq + Hash + Clone, V: Default> Memory<K, V> {
    /// An empty map for so many entries, but at least 2.
    pub(super) fn new(entries_max: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            half: (entries_max / 2).max(1),
        }
    }

    /// The entry of this name, which is new if it was not remembered.
    pub(super) fn entry(&mut self, name: &K) -> &mut V {
        if !self.young.contains_key(name) {
            let value = self.old.remove(name).unwrap_or_default();
            if self.young.len() >= self.half {
                self.old = mem::take(&mut self.young);
            }
            self.young.insert(name.clone(), value);
        }
        self.young.entry(name.clone()).or_default()
    }

    /// How many entries there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_it_may() {
        let mut memory = Memory::<u32, u32>::new(10);
        for name in 0..1000 {
            *memory.entry(&name) = name;
            assert!(memory.len() <= 10, "{name}");
        }
        assert_eq!(*memory.entry(&999), 999);
        assert_eq!(*memory.entry(&0), 0);
    }

    #[test]
    fn the_last_half_is_remembered() {
        let mut memory = Memory::<u32, u32>::new(10);
        for name in 0..1000 {
            *memory.entry(&name) = name + 1;
            for before in name.saturating_sub(4)..=name {
                assert_eq!(*memory.entry(&before), before + 1);
            }
        }
    }

    #[test]
    fn what_is_asked_for_again_and_again_stays() {
        let mut memory = Memory::<u32, &str>::new(10);
        *memory.entry(&7) = "kept";
        for name in 100..1000 {
            memory.entry(&name);
            assert_eq!(*memory.entry(&7), "kept", "{name}");
        }
    }

    #[test]
    fn even_the_smallest_one_remembers_the_last_entry() {
        let mut memory = Memory::<u32, u32>::new(0);
        *memory.entry(&1) = 1;
        *memory.entry(&2) = 2;
        assert_eq!(*memory.entry(&2), 2);
        assert!(memory.len() <= 2);
    }
}
