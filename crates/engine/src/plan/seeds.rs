//! Compiling `data`: records that the spec itself gives.

use serde_json::Value;

use super::mistakes::{Mistakes, Place};
use super::model::Seeds;

/// Writes the records as one JSON list, as if an API had sent them.
pub(super) fn compile(data: &[Value], place: &Place, mistakes: &mut Mistakes) -> Seeds {
    let mut body = String::from("[");
    let mut records = Vec::with_capacity(data.len());
    for (index, record) in data.iter().enumerate() {
        if record.is_null() {
            mistakes.add(
                "plan::data",
                &place.index(index),
                "a record can't be null",
                "give a mapping, or a text, number or boolean, which becomes the column `value`"
                    .to_owned(),
            );
        }
        if index > 0 {
            body.push(',');
        }
        let start = body.len();
        body.push_str(&record.to_string());
        records.push(start..body.len());
    }
    body.push(']');
    Seeds {
        body: body.into(),
        records,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_record_lies_in_the_list() {
        let data = [json!({"name": "a"}), json!("b"), json!(1.5)];
        let mut mistakes = Mistakes::default();
        let seeds = compile(&data, &Place::root(), &mut mistakes);
        assert_eq!(seeds.body, r#"[{"name":"a"},"b",1.5]"#);
        let text = |range: &std::ops::Range<usize>| {
            String::from_utf8(seeds.body[range.clone()].to_vec()).unwrap()
        };
        let texts: Vec<String> = seeds.records.iter().map(text).collect();
        assert_eq!(texts, [r#"{"name":"a"}"#, r#""b""#, "1.5"]);
        let none = compile(&[], &Place::root(), &mut mistakes);
        assert_eq!((none.body.as_ref(), none.records.len()), (&b"[]"[..], 0));
    }
}
