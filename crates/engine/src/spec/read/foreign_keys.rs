//! Keys that dlt has and this language doesn't, and what to write instead.

/// What to do about a key of dlt's in a mapping that takes the keys `expected`; `None` where dlt has no such key there.
pub(super) fn advice(key: &str, expected: &[&str]) -> Option<&'static str> {
    if key == "yield_map" && expected.contains(&"filter") {
        return Some(
            "`data_selector` can take many records out of one, such as `data.items[*].lines[*]`",
        );
    }
    if expected.contains(&"validity_column_names") {
        return match key {
            "source_filter" => Some(
                "a `filter` in `processing_steps` leaves records out, such as `filter: \"status != 'draft'\"`",
            ),
            "destination_scope" => Some(
                "`merge_key` says which rows a load may take away: those that agree with one of its records in these columns",
            ),
            _ => None,
        };
    }
    if !expected.contains(&"include_from_parent") {
        return None;
    }
    Some(match key {
        "max_table_nesting" | "nested_hints" | "parent_table_name" => {
            "dlt makes tables of nested values; here they stay in their row: `nested` says in which form, such as `tables`, `flatten` or `json`"
        }
        "table_format" | "file_format" => {
            "tables are Parquet files with a commit log beside them: leave the key out"
        }
        "references" => {
            "relations between tables are not recorded: leave the key out, or describe them in `columns`"
        }
        "auth" => {
            "credentials stand in `client.auth`, and those of one resource in `endpoint.auth`"
        }
        "session" => "timeouts and retries stand in `client`",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_dlt_is_told_by_what_to_write() {
        let resource = ["name", "include_from_parent"];
        let advice = |key| advice(key, &resource);
        assert_eq!(
            advice("session"),
            Some("timeouts and retries stand in `client`")
        );
        assert_eq!(advice("nmae"), None);
        assert_eq!(super::advice("session", &["path"]), None);
    }
}
