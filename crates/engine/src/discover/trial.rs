//! What came of trying a way of paging.

use serde_json::Value;

use crate::flow::Page;

/// What the first pages, read in some way, say of it.
#[derive(Debug)]
pub(super) enum Trial {
    /// Page 2 brought so many records that page 1 hasn't.
    Proven { pages: Vec<Page>, more: usize },
    /// All came on one page.
    OnePage(Vec<Page>),
    /// Why it isn't the way.
    Failed(String),
}

impl Trial {
    /// Judges pages, which may be there in parts. `first_record` is that of the answer to a request without paging.
    pub(super) fn judge(pages: Vec<Page>, first_record: Option<&[u8]>) -> Self {
        let first = records(&pages, 1);
        let begins_alike = match (first_record, first.first()) {
            (Some(one), Some(other)) => is_same(one, other),
            (Some(_), None) => false,
            (None, _) => true,
        };
        if !begins_alike {
            return Self::Failed("its first page is not the API's first one".to_owned());
        }
        let second = records(&pages, 2);
        if second.is_empty() {
            return Self::OnePage(pages);
        }
        let all = second.len();
        let more = second
            .into_iter()
            .filter(|record| !first.contains(record))
            .count();
        // Where a record is added meanwhile, the last one of page 1 comes again on page 2.
        if 2 * more < all {
            return Self::Failed(format!(
                "of the {all} records on page 2, only {more} are not on page 1 too"
            ));
        }
        Self::Proven { pages, more }
    }
}

fn records(pages: &[Page], number: u64) -> Vec<&[u8]> {
    let pages = pages.iter().filter(|page| page.number == number);
    let records = pages.flat_map(|page| {
        page.records
            .iter()
            .map(|range| page.body.get(range.clone()))
    });
    records.flatten().collect()
}

/// Whether both are the same record, though a field of it may tell the time.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let id = |record: &[u8]| {
        let record: Value = serde_json::from_slice(record).ok()?;
        record.get("id").cloned()
    };
    one == other || id(one).is_some_and(|id_of_one| id(other) == Some(id_of_one))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;

    use super::*;
    use crate::plan::Selector;

    /// Judges pages, each a number and a list, against a first record.
    fn check(first_record: Option<&str>, pages: &[(u64, &str)], expected: &str) {
        let page = |(number, body): &(u64, &str)| Page {
            number: *number,
            records: Selector::root().records(body.as_bytes()).unwrap().records,
            body: Bytes::copy_from_slice(body.as_bytes()),
            fetched_at: Timestamp::UNIX_EPOCH,
        };
        let trial = Trial::judge(
            pages.iter().map(page).collect(),
            first_record.map(str::as_bytes),
        );
        let told = match trial {
            Trial::Proven { more, .. } => format!("{more} more"),
            Trial::OnePage(_) => "one page".to_owned(),
            Trial::Failed(reason) => reason,
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn the_second_page_decides() {
        check(Some("1"), &[(1, "[1, 2]"), (2, "[3]")], "1 more");
        check(Some("1"), &[(1, "[1, 2]"), (2, "[2, 3]")], "1 more");
        check(
            Some("1"),
            &[(1, "[1, 2]"), (2, "[1, 2, 3]")],
            "of the 3 records on page 2, only 1 are not on page 1 too",
        );
        check(Some("1"), &[(1, "[1, 2]"), (2, "[]")], "one page");
        check(Some("1"), &[(1, "[1]"), (1, "[2]")], "one page");
        check(
            Some("1"),
            &[(1, "[1]"), (1, "[2]"), (2, "[3]"), (2, "[4]")],
            "2 more",
        );
        check(None, &[], "one page");
    }

    #[test]
    fn the_first_page_must_be_the_first_answer() {
        let other = "its first page is not the API's first one";
        check(Some("1"), &[(1, "[2]"), (2, "[3]")], other);
        check(Some("1"), &[(1, "[]")], other);
        check(Some("1"), &[], other);
        check(
            Some(r#"{"id": 1, "now": 5}"#),
            &[(1, r#"[{"id": 1, "now": 6}]"#)],
            "one page",
        );
        check(
            Some(r#"{"id": 1, "now": 5}"#),
            &[(1, r#"[{"id": 2, "now": 5}]"#)],
            other,
        );
    }
}
