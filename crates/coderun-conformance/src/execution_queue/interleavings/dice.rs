//! Chance that is the same in each run.

/// Numbers that look like chance and are the same in each run.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// Dice that fall as this number says, which is not zero.
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `sides`.
    pub(super) fn throw(&mut self, sides: usize) -> usize {
        // The xorshift generator of Marsaglia, 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        (!from.is_empty()).then(|| &from[self.throw(from.len())])
    }
}
