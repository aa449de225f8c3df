//! Paths into a record.

use super::Selector;
use super::selector::SelectorError;

/// The way from a record to one of its fields.
///
/// Plain keys joined by dots (`id`, `author.id`) are taken as they are; anything else is a JSONPath, of which the first
/// match counts. A record that is no object has its only value under `value`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldPath {
    text: String,
    route: Route,
}

#[derive(Clone, Debug, PartialEq)]
enum Route {
    Keys(Vec<String>),
    Selector(Selector),
}

impl FieldPath {
    /// Reads a path.
    ///
    /// # Errors
    /// It is neither keys joined by dots nor a JSONPath.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let route = if text.split('.').all(is_key) {
            Route::Keys(text.split('.').map(str::to_owned).collect())
        } else {
            Route::Selector(Selector::parse(text)?)
        };
        Ok(Self {
            text: text.to_owned(),
            route,
        })
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The keys, where the path is nothing else.
    pub fn keys(&self) -> Option<&[String]> {
        match &self.route {
            Route::Keys(keys) => Some(keys),
            Route::Selector(_) => None,
        }
    }

    /// The JSONPath, where the path is more than keys.
    pub fn selector(&self) -> Option<&Selector> {
        match &self.route {
            Route::Keys(_) => None,
            Route::Selector(selector) => Some(selector),
        }
    }

    /// The path as part of a column's name: keys joined by `_`, and what is no letter, digit, `-` or `_` left out.
    ///
    /// A path that is one key gives that key unchanged.
    pub fn column_part(&self) -> String {
        if let Some(keys) = self.keys() {
            return keys.join("_");
        }
        let words = self
            .text
            .split(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '-')));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.join("_")
    }
}

/// Whether a text is one plain key.
fn is_key(key: &str) -> bool {
    let fits = |letter: char| !letter.is_whitespace() && !"{}|[]'\"".contains(letter);
    !matches!(key, "" | "*" | "$") && key.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_plain_and_all_else_is_jsonpath() {
        let check = |text: &str, keys: Option<&[&str]>, column: &str| {
            let path = FieldPath::parse(text).unwrap();
            let expected = keys.map(|keys| keys.iter().map(|key| (*key).to_owned()).collect());
            assert_eq!(path.keys().map(<[String]>::to_vec), expected, "{text}");
            assert_eq!(path.column_part(), column, "{text}");
        };
        check("id", Some(&["id"]), "id");
        check("author.id", Some(&["author", "id"]), "author_id");
        check("@odata.type", Some(&["@odata", "type"]), "@odata_type");
        check("price$.in*", Some(&["price$", "in*"]), "price$_in*");
        check("tags.*.name", None, "tags_name");
        check("tags[0].name", None, "tags_0_name");
        check("['x.y']", None, "x_y");
        check("$.id", None, "id");
        assert!(FieldPath::parse("a[").is_err());
    }
}
