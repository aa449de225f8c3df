//! The names of loads, which are part of the names of their files.

use jiff::Timestamp;
use uuid::Uuid;

/// Characters of the random part.
const RANDOM_CHARACTERS: usize = 8;

/// A new load's id: unique, and sorting by the instant at which the run began, to the microsecond.
pub fn new_load_id(now: Timestamp) -> String {
    let time = now.strftime("%Y%m%dT%H%M%S%6fZ").to_string();
    let random = Uuid::now_v7().simple().to_string();
    let tail = random.chars().skip(random.len() - RANDOM_CHARACTERS);
    format!("{time}-{}", tail.collect::<String>())
}

/// Whether a data file's name is `<load_id>-<number>.parquet`, as only a load would name it.
pub(super) fn names_a_data_file(name: &str) -> bool {
    let is = |text: &str, length: usize, fits: fn(u8) -> bool| {
        text.len() == length && text.bytes().all(fits)
    };
    let is_digits = |text: &str, length| is(text, length, |byte| byte.is_ascii_digit());
    let Some(stem) = name.strip_suffix(".parquet") else {
        return false;
    };
    let [time, random, number] = *stem.split('-').collect::<Vec<_>>() else {
        return false;
    };
    let Some((date, time)) = time.strip_suffix('Z').and_then(|time| time.split_once('T')) else {
        return false;
    };
    is_digits(date, 8)
        && is_digits(time, 12)
        && is(random, RANDOM_CHARACTERS, |byte| byte.is_ascii_hexdigit())
        && number.len() >= 6
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_a_load_are_known_by_their_names() {
        let load_id = new_load_id("2024-01-31T12:00:00.5Z".parse().unwrap());
        assert!(load_id.starts_with("20240131T120000500000Z-"), "{load_id}");
        assert!(names_a_data_file(&format!("{load_id}-000001.parquet")));
        assert!(names_a_data_file(&format!("{load_id}-1000000.parquet")));
        for other in [
            "export.parquet",
            "2024-01-31.parquet",
            "part-00000-000001.parquet",
            &format!("{load_id}.parquet"),
            &format!("{load_id}-000001.csv"),
            &format!("{load_id}-copy.parquet"),
            &format!("my {load_id}-000001.parquet"),
        ] {
            assert!(!names_a_data_file(other), "{other}");
        }
    }
}
