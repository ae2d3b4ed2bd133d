//! Order statistics and the order of runs: pure, no clock, no IO.

/// Median and quartiles of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: usize,
    pub(crate) lower_quartile: f64,
    pub(crate) median: f64,
    pub(crate) upper_quartile: f64,
}

impl Summary {
    /// `None` for an empty sample.
    pub(crate) fn of(sample: &[f64]) -> Option<Self> {
        let sorted = sorted(sample);
        Some(Self {
            count: sorted.len(),
            lower_quartile: quantile(&sorted, 250)?,
            median: quantile(&sorted, 500)?,
            upper_quartile: quantile(&sorted, 750)?,
        })
    }
}

/// The quantile at `per_mille` thousandths of a sample in any order.
pub(crate) fn quantile_of(sample: &[f64], per_mille: usize) -> Option<f64> {
    quantile(&sorted(sample), per_mille)
}

pub(crate) fn median(sample: &[f64]) -> Option<f64> {
    quantile_of(sample, 500)
}

fn sorted(sample: &[f64]) -> Vec<f64> {
    let mut sorted = sample.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Linear interpolation between the two nearest ranks (R's type 7).
fn quantile(sorted: &[f64], per_mille: usize) -> Option<f64> {
    let position = sorted.len().checked_sub(1)? * per_mille.min(1000);
    let below = sorted[position / 1000];
    let above = sorted[position.div_ceil(1000)];
    Some(below + (above - below) * (position % 1000) as f64 / 1000.0)
}

/// In which order the members of a group of `len` run in `round`: over the rounds each place is
/// held by each member equally often, and each neighbour stands before and behind equally often.
/// A drift of the machine (heat, a noisy neighbour) thus favours nobody.
pub(crate) fn order(len: usize, round: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    if len > 2 {
        order.rotate_left((round / 2) % len);
    }
    if !round.is_multiple_of(2) {
        order.reverse();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_between_ranks() {
        assert_eq!(Summary::of(&[]), None);
        let one = Summary { count: 1, lower_quartile: 7.0, median: 7.0, upper_quartile: 7.0 };
        assert_eq!(Summary::of(&[7.0]), Some(one));
        let four = Summary { count: 4, lower_quartile: 1.75, median: 2.5, upper_quartile: 3.25 };
        assert_eq!(Summary::of(&[4.0, 1.0, 3.0, 2.0]), Some(four));
        let hundred: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile_of(&hundred, 990), Some(99.0));
        assert_eq!(quantile_of(&hundred, 1000), Some(100.0));
        assert_eq!(median(&[1.0, 2.0]), Some(1.5));
    }

    #[test]
    fn one_outlier_does_not_move_the_median() {
        assert_eq!(median(&[1.0, 1.0, 1.0, 1.0, 900.0]), Some(1.0));
    }

    #[test]
    fn every_member_holds_every_place_equally_often() {
        for len in 1..=4_usize {
            let rounds = 2 * len;
            for place in 0..len {
                for member in 0..len {
                    let held = (0..rounds).filter(|&round| order(len, round)[place] == member).count();
                    assert_eq!(held, 2, "member {member} at place {place} of {len}");
                }
            }
        }
    }

    #[test]
    fn pairs_alternate() {
        let rounds: Vec<Vec<usize>> = (0..4).map(|round| order(2, round)).collect();
        assert_eq!(rounds, [[0, 1], [1, 0], [0, 1], [1, 0]]);
    }
}
