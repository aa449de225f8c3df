//! Paging by the `Link` header (RFC 8288).

use http::header::LINK;

use super::{Answer, PagerError};

/// The first link of that relation; none ends the slice.
pub(super) fn next(relation: &str, answer: &Answer<'_>) -> Result<Option<url::Url>, PagerError> {
    for header in answer.headers.get_all(LINK) {
        let text = String::from_utf8_lossy(header.as_bytes());
        for link in parse(&text) {
            if link
                .relations
                .iter()
                .any(|known| known.eq_ignore_ascii_case(relation))
            {
                let wrong = |_| PagerError::Link {
                    place: "Link".to_owned(),
                };
                if link.target.is_empty() {
                    return Ok(None);
                }
                return answer.url.join(&link.target).map(Some).map_err(wrong);
            }
        }
    }
    Ok(None)
}

/// A link of the header.
#[derive(Clone, Debug, PartialEq)]
struct Link {
    target: String,
    relations: Vec<String>,
}

/// Reads a header's links; what is no link is passed over.
fn parse(header: &str) -> Vec<Link> {
    let mut links = Vec::new();
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((target, after)) = after.split_once('>') else {
            break;
        };
        let mut relations = None;
        rest = after.trim_start();
        while let Some(parameter) = rest.strip_prefix(';') {
            let (name, value, after) = read_parameter(parameter);
            if name.eq_ignore_ascii_case("rel") && relations.is_none() {
                relations = Some(value.split_whitespace().map(str::to_owned).collect());
            }
            rest = after.trim_start();
        }
        links.push(Link {
            target: target.trim().to_owned(),
            relations: relations.unwrap_or_default(),
        });
    }
    links
}

/// Reads `name`, `name=token` or `name="text"`, up to the next `;` or `,`.
fn read_parameter(text: &str) -> (&str, String, &str) {
    let end = text.find(['=', ';', ',']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
        return (name.trim(), String::new(), rest);
    };
    let Some(quoted) = value.strip_prefix('"') else {
        let (token, rest) = value.split_at(value.find([';', ',']).unwrap_or(value.len()));
        return (name.trim(), token.trim().to_owned(), rest);
    };
    let mut unquoted = String::new();
    let mut letters = quoted.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => break,
            '\\' => unquoted.extend(letters.next()),
            _ => unquoted.push(letter),
        }
    }
    (name.trim(), unquoted, letters.as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(header: &str, expected: &[(&str, &[&str])]) {
        let links: Vec<_> = parse(header)
            .into_iter()
            .map(|link| (link.target, link.relations))
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(target, relations)| {
                (
                    (*target).to_owned(),
                    relations.iter().map(|text| (*text).to_owned()).collect(),
                )
            })
            .collect();
        assert_eq!(links, expected, "{header}");
    }

    #[test]
    fn reads_links() {
        check(
            "<https://a.b?p=2>; rel=\"next\", <https://a.b?p=9>; rel=last",
            &[
                ("https://a.b?p=2", &["next"]),
                ("https://a.b?p=9", &["last"]),
            ],
        );
        check(
            "</x,y;z>;title=\"a, <b>; rel=prev\" ; REL=\"Next  start\"; rel=other",
            &[("/x,y;z", &["Next", "start"])],
        );
        check("<a>,<b>;rel", &[("a", &[]), ("b", &[])]);
        check(r#"<a>; title="\""; rel="n\ext""#, &[("a", &["next"])]);
        check("nonsense", &[]);
        check("<a", &[]);
    }

    proptest! {
        #[test]
        fn reads_what_was_written(links in prop::collection::vec(("[a-z/?=&;, ]{1,9}", "[a-z]{1,5}( [a-z]{1,5})?", any::<String>()), 0..4)) {
            let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
            let written: Vec<String> = links
                .iter()
                .map(|(target, relations, title)| format!("<{target}>; title=\"{}\"; rel=\"{relations}\"", quote(title)))
                .collect();
            let read = parse(&written.join(", "));
            let expected: Vec<Link> = links
                .iter()
                .map(|(target, relations, _)| Link {
                    target: target.trim().to_owned(),
                    relations: relations.split_whitespace().map(str::to_owned).collect(),
                })
                .collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn takes_any_text(header in "[<>;,=\"\\\\a ]{0,30}") {
            parse(&header);
        }
    }
}
