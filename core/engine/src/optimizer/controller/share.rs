//! Who gets how much of the storages that several links want: max-min fairness.
//!
//! Pure arithmetic. A storage side has a capacity, a link has a demand and two sides. All links
//! rise together until each has what it wants or one of its sides is full. Links whose sides can
//! serve everyone are not looked at twice. Links have no weights: shares of VOs say how the slots
//! of one link are split, not what one link is worth against another.
//!
//! # Invariants
//! - No side gives more than its capacity unless the floors of its links alone are more; no link
//!   gets more than it wants; nothing is left over that someone could use: the tests below.

/// What one link wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// It gets so many in any case.
    pub floor: u32,
    /// It wants so many, at least its floor.
    pub demand: u32,
    /// Index of its source among the capacities.
    pub source: usize,
    /// Index of its destination among the capacities.
    pub destination: usize,
}

impl Claim {
    fn sides(&self) -> [usize; 2] {
        [self.source, self.destination]
    }
}

/// What each claim gets, in the order of the claims.
pub fn allot(claims: &[Claim], capacities: &[u32]) -> Vec<u32> {
    let mut wanted = vec![0_u64; capacities.len()];
    for claim in claims {
        for side in claim.sides() {
            wanted[side] += u64::from(claim.demand);
        }
    }
    let is_short: Vec<bool> = (0..capacities.len())
        .map(|side| wanted[side] > u64::from(capacities[side]))
        .collect();
    let mut rest: Vec<f64> = capacities.iter().map(|it| f64::from(*it)).collect();
    let mut given: Vec<f64> = claims.iter().map(|it| f64::from(it.demand)).collect();
    let mut rising = Vec::new();
    for (index, claim) in claims.iter().enumerate() {
        if claim.sides().iter().any(|side| is_short[*side]) {
            given[index] = f64::from(claim.floor.min(claim.demand));
            rising.push(index);
        }
        for side in claim.sides() {
            rest[side] = (rest[side] - given[index]).max(0.0);
        }
    }
    fill(claims, &mut given, &mut rest, rising);
    whole(claims, capacities, &given)
}

/// Raises the links that are still rising until none can rise any more. Every round stops one.
fn fill(claims: &[Claim], given: &mut [f64], rest: &mut [f64], mut rising: Vec<usize>) {
    const NOTHING: f64 = 1e-9;
    while !rising.is_empty() {
        let mut pull = vec![0.0; rest.len()];
        for index in &rising {
            for side in claims[*index].sides() {
                pull[side] += 1.0;
            }
        }
        let rise = rising
            .iter()
            .map(|index| {
                let claim = &claims[*index];
                let wish = f64::from(claim.demand) - given[*index];
                let room = claim.sides().map(|side| rest[side] / pull[side]);
                wish.min(room[0]).min(room[1])
            })
            .fold(f64::INFINITY, f64::min);
        for index in &rising {
            let claim = &claims[*index];
            given[*index] += rise;
            for side in claim.sides() {
                rest[side] -= rise;
            }
        }
        let before = rising.len();
        rising.retain(|index| {
            let claim = &claims[*index];
            given[*index] + NOTHING < f64::from(claim.demand)
                && claim.sides().iter().all(|side| rest[*side] > NOTHING)
        });
        if rising.len() == before {
            // Rounding kept everyone a hair short; the remainder is worth less than one transfer.
            break;
        }
    }
}

/// Whole transfers: everyone rounded down, what is left to the largest remainders first.
fn whole(claims: &[Claim], capacities: &[u32], given: &[f64]) -> Vec<u32> {
    let mut result: Vec<u32> = given.iter().map(|it| (it + 1e-6) as u32).collect();
    let mut used = vec![0_u64; capacities.len()];
    for (claim, got) in claims.iter().zip(&result) {
        for side in claim.sides() {
            used[side] += u64::from(*got);
        }
    }
    let mut order: Vec<usize> = (0..claims.len())
        .filter(|index| result[*index] < claims[*index].demand)
        .collect();
    let remainder = |index: usize| given[index] - f64::from(result[index]);
    let remainders: Vec<f64> = (0..claims.len()).map(remainder).collect();
    order.sort_by(|a, b| remainders[*b].total_cmp(&remainders[*a]).then(a.cmp(b)));
    for index in order {
        let sides = claims[index].sides();
        if sides
            .iter()
            .all(|side| used[*side] < u64::from(capacities[*side]))
        {
            result[index] += 1;
            for side in sides {
                used[side] += 1;
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn claim(demand: u32, source: usize, destination: usize) -> Claim {
        Claim {
            floor: 1,
            demand,
            source,
            destination,
        }
    }

    #[test]
    fn everyone_gets_what_it_wants_when_there_is_enough() {
        let claims = [claim(5, 0, 2), claim(9, 1, 2)];
        assert_eq!(allot(&claims, &[10, 10, 14]), [5, 9]);
    }

    #[test]
    fn the_small_are_served_and_the_large_share() {
        let claims = [claim(2, 0, 3), claim(50, 1, 3), claim(50, 2, 3)];
        assert_eq!(allot(&claims, &[100, 100, 100, 22]), [2, 10, 10]);
    }

    #[test]
    fn remainders_are_handed_out() {
        let three = [claim(9, 0, 1); 3];
        assert_eq!(allot(&three, &[8, 8]), [3, 3, 2]);
    }

    #[test]
    fn what_one_side_refuses_goes_to_others() {
        // The first link is held by its source; the second takes what it leaves.
        let claims = [claim(50, 0, 2), claim(50, 1, 2)];
        assert_eq!(allot(&claims, &[4, 100, 30]), [4, 26]);
    }

    #[test]
    fn random_claims_stay_within_bounds_and_leave_nothing() {
        let mut rng = StdRng::seed_from_u64(7);
        for _ in 0..500 {
            let sides = rng.random_range(2..8_usize);
            let capacities: Vec<u32> = (0..sides).map(|_| rng.random_range(20..60)).collect();
            let claims: Vec<_> = (0..rng.random_range(1..12))
                .map(|_| Claim {
                    floor: 1,
                    demand: rng.random_range(1..40),
                    source: rng.random_range(0..sides / 2),
                    destination: rng.random_range(sides / 2..sides),
                })
                .collect();
            let given = allot(&claims, &capacities);
            let mut used = vec![0; sides];
            for (claim, got) in claims.iter().zip(&given) {
                assert!((1..=claim.demand).contains(got), "{claim:?} {got}");
                claim.sides().iter().for_each(|side| used[*side] += got);
            }
            for (claim, got) in claims.iter().zip(&given) {
                let has_room = claim
                    .sides()
                    .iter()
                    .all(|side| used[*side] < capacities[*side]);
                assert!(*got == claim.demand || !has_room, "left over for {claim:?}");
            }
            for (used, capacity) in used.iter().zip(&capacities) {
                assert!(used <= capacity);
            }
        }
    }
}
