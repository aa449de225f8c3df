//! Whether an endpoint answers with one record: dlt's rule, applied to what differs from slice to slice.

/// Whether the path's last segment holds a placeholder, so that it names one record.
///
/// A placeholder in the query or the fragment doesn't count, nor does one that `params` has filled with a fixed value:
/// such a path is the same for every slice, and what it names may as well be a list.
pub(super) fn is_single_record(path: &str) -> bool {
    let mut rest = last_segment(path.trim_end_matches('/'));
    while let Some((before, behind)) = rest.split_once('{') {
        if before.contains(['?', '#']) {
            return false;
        }
        if let Some(literal) = behind.strip_prefix('{') {
            rest = literal;
            continue;
        }
        let Some((inside, behind)) = behind.split_once('}') else {
            return false;
        };
        if is_name(inside) {
            return true;
        }
        rest = behind;
    }
    false
}

/// The text behind the last `/` that stands outside braces.
fn last_segment(path: &str) -> &str {
    let mut start = 0;
    let mut inside = false;
    for (at, letter) in path.char_indices() {
        match letter {
            '{' => inside = true,
            '}' => inside = false,
            '/' if !inside => start = at + 1,
            _ => {}
        }
    }
    path.get(start..).unwrap_or_default()
}

/// Whether a placeholder begins with a dotted name; filters and brackets may follow.
fn is_name(inside: &str) -> bool {
    let name = inside.split(['|', '[']).next().unwrap_or_default().trim();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
    !name.is_empty() && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_at_the_end_names_one_record() {
        for path in [
            "/users/{user_id}",
            "/products/{id}/",
            "/products/{id}//",
            "/p/{id}?a=1",
            "/p/{id}#s",
            "/p/{id}.json",
            "/p/{id}_data",
            "{entity}",
            "/{user_123}",
            "/users/{123}",
            "users/{resources.users['x'].id}",
            "rates/{incremental.start_value | replace('-', '/')}",
        ] {
            assert!(is_single_record(path), "{path}");
        }
    }

    #[test]
    fn everything_else_is_a_list() {
        for path in [
            "/users/{id}/details",
            "/",
            "/{}",
            "/p/{id}/#s",
            "/users/{user id}",
            "/users/{",
            "",
            "/users/{{id}}",
            "search?id={resources.x.id}",
        ] {
            assert!(!is_single_record(path), "{path}");
        }
    }
}
