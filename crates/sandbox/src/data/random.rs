//! Chance that is the same on each start: every value draws from a seed of its own.

use fastrand::Rng;

/// The source of chance for what these numbers name together.
pub(super) fn seeded(numbers: &[u64]) -> Rng {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for number in numbers {
        state = scramble(state ^ scramble(number.wrapping_add(0x9E37_79B9_7F4A_7C15)));
    }
    Rng::with_seed(state)
}

/// A number for a name (FNV-1a).
pub(super) fn number_of(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// A random UUID.
pub(super) fn uuid(random: &mut Rng) -> uuid::Uuid {
    uuid::Builder::from_random_bytes(random.u128(..).to_be_bytes()).into_uuid()
}

/// The UUID of the job with this number.
pub(crate) fn identifier(seed: u64, number: u64) -> String {
    uuid(&mut seeded(&[seed, number_of("job"), number])).to_string()
}

/// The finalizer of `SplitMix64`: neighbouring numbers come out far apart.
fn scramble(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_numbers_give_the_same_chance_and_others_give_another() {
        assert_eq!(seeded(&[1, 2]).u64(..), seeded(&[1, 2]).u64(..));
        assert_ne!(seeded(&[1, 2]).u64(..), seeded(&[2, 1]).u64(..));
        assert_ne!(identifier(1, 1), identifier(1, 2));
    }
}
