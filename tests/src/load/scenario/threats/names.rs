//! T9: wrong passwords for names that are known and for names that are not, in turn.

use std::net::Ipv4Addr;
use std::time::Instant;

use serde_json::{Value, json};

use super::shown;
use crate::load::args::Names;
use crate::load::bed::Bed;
use crate::load::caller::Caller;
use crate::load::error::Error;
use crate::load::people;
use crate::load::percentile::Sorted;
use crate::load::report::{Figures, figures, rounded};

/// Pairs of names before those that count.
const WARM_UP: u32 = 20;

pub(super) fn run(args: &Names, bed: &Bed) -> Result<Figures, Error> {
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    let mut complete = true;
    for number in 0..args.names {
        if bed.is_late() {
            complete = false;
            break;
        }
        let number = number as usize;
        let pair = [(people::name(number), true), (format!("x{number:06}"), false)];
        // Neither kind always comes first.
        let order = if number.is_multiple_of(2) { [0, 1] } else { [1, 0] };
        for (name, is_known) in order.map(|place| &pair[place]) {
            let took = attempts(name, args.attempts, bed)?;
            if number >= WARM_UP as usize {
                if *is_known { &mut known } else { &mut unknown }.extend(took);
            }
        }
    }
    let (t, cropped) = (welch(&known, &unknown), welch(&quick(&known), &quick(&unknown)));
    Ok(figures(json!({
        "names": args.names,
        "attempts": args.attempts,
        "hashed": args.hashed,
        "complete": complete,
        "samples": [known.len(), unknown.len()],
        "known": shown(&Sorted::of(known)),
        "unknown": shown(&Sorted::of(unknown)),
        "t_abs": figure(t),
        "t_abs_of_the_quickest_nine_tenths": figure(cropped),
    })))
}

/// How long each refusal took, nanoseconds.
fn attempts(name: &str, count: u32, bed: &Bed) -> Result<Vec<u64>, Error> {
    let mut caller = Caller::greeted(Ipv4Addr::new(127, 0, 9, 1), bed.host.addr)?;
    let mut took = Vec::new();
    for _ in 0..count {
        let asked = Instant::now();
        caller.knock(name, "wrong")?;
        caller.next()?;
        took.push(u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX));
    }
    Ok(took)
}

/// Without the slowest tenth, which says more about the machine than about the server.
fn quick(samples: &[u64]) -> Vec<u64> {
    let mut samples = samples.to_vec();
    samples.sort_unstable();
    samples.truncate(samples.len() * 9 / 10);
    samples
}

/// Welch's t of two samples (B. L. Welch, Biometrika 34, 1947); nothing if one has no variance.
fn welch(one: &[u64], other: &[u64]) -> Option<f64> {
    let [(mean, error), (other_mean, other_error)] = [moments(one), moments(other)];
    let error = (error + other_error).sqrt();
    (error > 0.0).then(|| (mean - other_mean) / error)
}

/// The mean, and the square of its standard error.
fn moments(samples: &[u64]) -> (f64, f64) {
    let count = samples.len() as f64;
    let mean = samples.iter().map(|sample| *sample as f64).sum::<f64>() / count;
    let squares = samples.iter().map(|sample| (*sample as f64 - mean).powi(2)).sum::<f64>();
    (mean, squares / (count - 1.0).max(1.0) / count)
}

fn figure(t: Option<f64>) -> Value {
    t.map_or(Value::Null, |t| rounded(t.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_that_of_the_textbook() {
        let t = welch(&[10, 12, 14, 16], &[11, 11, 13, 13, 15, 15]).expect("there is variance");
        // Means 13 and 13: nothing to tell.
        assert!(t.abs() < 1e-9);
        // Means 2 and 5, variances 1 and 1, three each: 3 / sqrt(2/3).
        let t = welch(&[1, 2, 3], &[4, 5, 6]).expect("there is variance");
        assert!((t + 3.0 / (2.0_f64 / 3.0).sqrt()).abs() < 1e-9);
        assert_eq!(welch(&[1, 1], &[1, 1]), None);
    }

    #[test]
    fn the_slowest_tenth_is_left_out() {
        let samples: Vec<u64> = (1..=20).rev().collect();
        assert!(quick(&samples).into_iter().eq(1..=18));
    }
}
