//! Numbers as people read them.

use std::time::Duration;

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of things, `one` being the name of a single one: `1 file`, `1,200 files`.
pub fn counted(count: u64, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{} {one}s", grouped(count)),
    }
}

/// A size with one decimal in the largest fitting unit of 1,000.
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    let (mut whole, mut tenth) = (size, 0);
    while whole >= 1000 && unit + 1 < UNITS.len() {
        tenth = whole % 1000 / 100;
        whole /= 1000;
        unit += 1;
    }
    match unit {
        0 => format!("{whole} B"),
        _ => format!("{whole}.{tenth} {}", UNITS[unit]),
    }
}

/// A length of time in its two largest units: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let two = |large: u64, name: &str, small: u64, small_name: &str| match small {
        0 => format!("{large} {name}"),
        small => format!("{large} {name} {small} {small_name}"),
    };
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(counted(1, "file"), "1 file");
        assert_eq!(counted(1_200, "file"), "1,200 files");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_250_000), "1.2 MB");
    }

    #[test]
    fn lengths_of_time_have_two_units() {
        let check = |milliseconds, expected| {
            assert_eq!(duration(Duration::from_millis(milliseconds)), expected);
        };
        check(0, "0.0 s");
        check(430, "0.4 s");
        check(59_999, "59 s");
        check(185_000, "3 min 5 s");
        check(7_800_000, "2 h 10 min");
        check(86_400_000 * 4, "4 d");
    }
}
