//! The values of a key column, as a bounded number of ranges.

/// Ranges that are told apart at most; beyond it, neighbours become one.
const MOST_RANGES: usize = 1024;

/// Values that are gathered before they are put in order.
const GATHERED: usize = 8 * MOST_RANGES;

/// The least and the greatest value, both included.
type Range = (Box<[u8]>, Box<[u8]>);

/// Values as comparable bytes, or what lies between two of them.
#[derive(Debug, Default)]
pub(super) struct KeyRanges {
    /// In no order, and overlapping.
    ranges: Vec<Range>,
}

impl KeyRanges {
    pub(super) fn add(&mut self, value: &[u8]) {
        if let Some((_, newest)) = self.ranges.last()
            && **newest == *value
        {
            return;
        }
        self.ranges.push((value.into(), value.into()));
        if self.ranges.len() > GATHERED {
            self.bound();
        }
    }

    /// Whether a value may lie between two others, both included.
    pub(super) fn meet(&self, least: &[u8], greatest: &[u8]) -> bool {
        let mut ranges = self.ranges.iter();
        ranges.any(|(first, last)| **first <= *greatest && **last >= *least)
    }

    /// Makes neighbours one until few enough are left.
    fn bound(&mut self) {
        let mut ranges = std::mem::take(&mut self.ranges);
        ranges.sort_unstable();
        let mut apart: Vec<Range> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match apart.last_mut() {
                Some((_, greatest)) if *greatest >= first => {
                    if last > *greatest {
                        *greatest = last;
                    }
                }
                _ => apart.push((first, last)),
            }
        }
        let together = apart.len().div_ceil(MOST_RANGES).max(1);
        let neighbours = apart.chunks(together).filter_map(|neighbours| {
            let (first, last) = (neighbours.first()?, neighbours.last()?);
            Some((first.0.clone(), last.1.clone()))
        });
        self.ranges = neighbours.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_met_and_a_wide_gap_is_not() {
        let mut ranges = KeyRanges::default();
        // Two clusters, in turn from both.
        for value in 0..100_000_u32 {
            ranges.add(&value.to_be_bytes());
            ranges.add(&(value + 1_000_000).to_be_bytes());
        }
        assert!(ranges.ranges.len() <= GATHERED + 1);
        for value in [0, 1, 77_777, 99_999, 1_000_000, 1_099_999_u32] {
            let value = value.to_be_bytes();
            assert!(ranges.meet(&value, &value), "{value:?}");
        }
        assert!(!ranges.meet(&1_200_000_u32.to_be_bytes(), &u32::MAX.to_be_bytes()));
    }

    #[test]
    fn few_values_are_told_apart() {
        let mut ranges = KeyRanges::default();
        ranges.add(b"a");
        ranges.add(b"z");
        assert!(ranges.meet(b"a", b"b"));
        assert!(!ranges.meet(b"b", b"y"));
        assert!(ranges.meet(b"b", b"z"));
    }
}
