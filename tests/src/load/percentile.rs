//! Percentiles of what was measured.

/// Measured values, in order.
#[derive(Clone, Debug)]
pub(crate) struct Sorted(Vec<u64>);

impl Sorted {
    /// Puts `values` in order.
    pub(crate) fn of(mut values: Vec<u64>) -> Sorted {
        values.sort_unstable();
        Sorted(values)
    }

    /// The smallest value that so many thousandths of all values do not exceed (nearest rank); 0 of none.
    pub(crate) fn per_mille(&self, thousandths: usize) -> u64 {
        let rank = (self.0.len() * thousandths).div_ceil(1_000).max(1);
        self.0.get(rank - 1).or(self.0.last()).copied().unwrap_or(0)
    }

    /// The greatest value; 0 of none.
    pub(crate) fn max(&self) -> u64 {
        self.0.last().copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_the_nearest() {
        let sorted = Sorted::of((1..=1_000).rev().collect());
        assert_eq!((sorted.per_mille(500), sorted.per_mille(990), sorted.per_mille(999)), (500, 990, 999));
        assert_eq!((sorted.per_mille(0), sorted.per_mille(1_000), sorted.max()), (1, 1_000, 1_000));
        // The example of the textbook: the 30th percentile of five values is the second.
        let five = Sorted::of(vec![15, 20, 35, 40, 50]);
        assert_eq!([50, 300, 400, 500, 1_000].map(|n| five.per_mille(n)), [15, 20, 20, 35, 50]);
    }

    #[test]
    fn few_values_are_their_own_percentiles() {
        assert_eq!(Sorted::of(vec![]).per_mille(990), 0);
        assert_eq!(Sorted::of(vec![7]).per_mille(1), 7);
        assert_eq!(Sorted::of(vec![9, 7]).per_mille(999), 9);
    }
}
