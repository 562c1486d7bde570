//! How often a key was seen lately, roughly, in a fixed number of bytes: a count-min sketch.
//!
//! It remembers keys that have no group, so that a key that comes back again and again is told from
//! the millions that come once. Counts are never too low, but for the halving that lets them fade.

const ROWS: usize = 4;
/// Smallest width of a row.
const MIN_WIDTH: usize = 64;

/// Counts by key; the keys are hashes that nobody outside can choose.
#[derive(Debug)]
pub(crate) struct Sketch {
    counts: Vec<u8>,
    width: usize,
    /// Keys counted since the counts were last halved.
    added: usize,
}

impl Sketch {
    /// One that takes that many bytes, or a few if that is less.
    pub(crate) fn new(bytes: usize) -> Self {
        let width = (bytes / ROWS).max(MIN_WIDTH);
        Self {
            counts: vec![0; width * ROWS],
            width,
            added: 0,
        }
    }

    fn places(&self, key: (u64, u64)) -> [usize; ROWS] {
        let (mut hash, step) = (key.0, key.1 | 1);
        let mut row = 0;
        [(); ROWS].map(|()| {
            // The high half of the product: a number below the width, without a division.
            let column = (u128::from(hash) * self.width as u128) >> 64;
            let place = row * self.width + column as usize;
            hash = hash.wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            row += 1;
            place
        })
    }

    /// How often, at most 255.
    pub(crate) fn estimate(&self, key: (u64, u64)) -> u8 {
        let counts = self.places(key).map(|place| self.counts[place]);
        counts.into_iter().min().unwrap_or(0)
    }

    /// Counts the key, and says how often it was seen now.
    pub(crate) fn add(&mut self, key: (u64, u64)) -> u8 {
        let places = self.places(key);
        let least = places.iter().map(|place| self.counts[*place]).min();
        let least = least.unwrap_or(0);
        for place in places {
            // Only what holds the estimate down: the others count someone else already.
            if self.counts[place] == least {
                self.counts[place] = least.saturating_add(1);
            }
        }
        self.added += 1;
        // With that many keys a row's counts are full of others'; half of each is old enough to go.
        if self.added >= 2 * self.width {
            self.added /= 2;
            for count in &mut self.counts {
                *count /= 2;
            }
        }
        least.saturating_add(1)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.counts.capacity()
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, RandomState};

    use super::*;

    #[test]
    fn what_comes_back_stands_out_of_what_comes_once() {
        let (a, b) = (RandomState::new(), RandomState::new());
        let key = |n: u64| (a.hash_one(n), b.hash_one(n));
        let mut sketch = Sketch::new(1 << 16);
        assert_eq!(sketch.bytes(), 1 << 16);
        assert_eq!((sketch.add(key(0)), sketch.add(key(0))), (1, 2));
        let mut often = Vec::new();
        let mut once = Vec::new();
        for n in 1..=200_000 {
            let seen = sketch.add(key(n));
            if n % 1000 == 0 {
                often.push(sketch.add(key(0)));
            } else if n > 100_000 {
                once.push(seen);
            }
        }
        let (low, high) = (
            often[100..].iter().min(),
            once.iter().filter(|n| **n > 8).count(),
        );
        assert!(low > Some(&8), "{low:?}");
        assert!(high < once.len() / 1000, "{high} of {}", once.len());
        assert!(sketch.estimate(key(0)) > 8);
    }
}
