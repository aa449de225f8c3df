use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::flow::{ParentRecord, Slice};

const ALL: &[Context] = &[
    Context::Resources,
    Context::Incremental,
    Context::Partition,
    Context::Job,
];

fn slice() -> Slice {
    let key = BTreeMap::from([
        ("id".to_owned(), json!("a/b c?d#e")),
        ("author.id".to_owned(), json!(7)),
        ("up".to_owned(), json!("..")),
        ("none".to_owned(), json!(null)),
        ("tags".to_owned(), json!(["x", 2])),
    ]);
    Slice {
        resource: "comments".to_owned(),
        parents: vec![ParentRecord {
            resource: "posts".to_owned(),
            key,
            ..ParentRecord::default()
        }],
        partition: BTreeMap::from([("active".to_owned(), json!(true))]),
        window: None,
        range: None,
    }
}

fn with_bindings<T>(render: impl FnOnce(&Bindings<'_>) -> T) -> T {
    let slice = slice();
    let values = IncrementalValues {
        start: Some(json!(1_704_103_200)),
        end: Some(json!(1_704_153_601)),
        initial: None,
        lag: Some(json!("3d")),
    };
    render(&Bindings {
        slice: &slice,
        incremental: Some(&values),
        job_id: Some(&json!("j1")),
    })
}

fn render(text: &str) -> Result<String, RenderError> {
    with_bindings(|bindings| Template::parse(text, ALL).unwrap().render(bindings))
}

#[test]
fn fills_in_text() {
    assert_eq!(render("plain").unwrap(), "plain");
    assert_eq!(
        render("{resources.posts.author.id}-{partition.active}-{job.id}").unwrap(),
        "7-true-j1"
    );
    assert_eq!(
        render("{{not}} {{{job.id}}} {{{{x}}}}").unwrap(),
        "{not} {j1} {{x}}"
    );
    assert_eq!(
        render("{ incremental.start_value }..{incremental.end_value}").unwrap(),
        "1704103200..1704153601"
    );
    insta::assert_snapshot!(render("{resources.posts.none}").unwrap_err(), @"fill in `{resources.posts.none}`: the value is null or absent");
    insta::assert_snapshot!(render("{resources.users.id}").unwrap_err(), @"fill in `{resources.users.id}`: the value is null or absent");
    insta::assert_snapshot!(render("x{resources.posts.tags}").unwrap_err(), @"fill in `{resources.posts.tags}`: the value is a list or an object, which can't be written here");
}

#[test]
fn what_a_slice_starts_at_has_two_names_and_may_be_absent() {
    assert_eq!(
        render("{incremental.last_value} {incremental.lag}").unwrap(),
        "1704103200 3d"
    );
    let error = render("{incremental.initial_value}").unwrap_err();
    insta::assert_snapshot!(error, @"fill in `{incremental.initial_value}`: the value is null or absent");
}

#[test]
fn keeps_a_value_within_its_path_segment() {
    let path = |text: &str| {
        with_bindings(|bindings| Template::parse(text, ALL).unwrap().render_path(bindings))
    };
    assert_eq!(
        path("posts/{resources.posts.id}/x?y=1").unwrap(),
        "posts/a%2Fb%20c%3Fd%23e/x?y=1"
    );
    insta::assert_snapshot!(path("posts/{resources.posts.up}").unwrap_err(), @"fill in `{resources.posts.up}`: `..` can't be a path segment");
}

#[test]
fn a_batch_of_parents_is_a_list() {
    let slice = Slice {
        parents: vec![ParentRecord {
            resource: "users".to_owned(),
            key: BTreeMap::from([("id".to_owned(), json!(["a/b", 2]))]),
            batch: true,
            ..ParentRecord::default()
        }],
        ..Slice::default()
    };
    let bindings = Bindings {
        slice: &slice,
        incremental: None,
        job_id: None,
    };
    let text = "x/{resources.users.id}";
    let template = Template::parse(text, ALL).unwrap();
    assert_eq!(template.render(&bindings).unwrap(), "x/a/b,2");
    assert_eq!(template.render_path(&bindings).unwrap(), "x/a%2Fb,2");
    let param = ParamTemplate::parse(&json!("{resources.users.id}"), ALL).unwrap();
    let pairs = param.pairs("p", &bindings).unwrap();
    let texts: Vec<&str> = pairs.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["a/b", "2"]);
    let body = JsonTemplate::parse(&json!({"ids": "{resources.users.id}", "text": text}), ALL);
    assert_eq!(
        body.unwrap().render(&bindings).unwrap(),
        json!({"ids": ["a/b", 2], "text": "x/a/b,2"})
    );
}

#[test]
fn drops_and_repeats_parameters() {
    assert_eq!(param(&json!(1.50)), "p=1.5");
    assert_eq!(param(&json!(1.0)), "p=1.0");
    assert_eq!(param(&json!(1e10)), "p=10000000000.0");
    assert_eq!(param(&json!(true)), "p=true");
    assert_eq!(param(&json!("")), "p=");
    assert_eq!(param(&json!(null)), "");
    assert_eq!(param(&json!(["a", 1, null, "{job.id}"])), "p=a&p=1&p=j1");
    assert_eq!(param(&json!("{resources.posts.tags}")), "p=x&p=2");
    assert_eq!(param(&json!("{resources.posts.none}")), "");
    assert_eq!(param(&json!("since:{resources.posts.none}")), "");
    let error = ParamTemplate::parse(&json!(["a", {"b": 1}]), ALL).unwrap_err();
    assert_eq!(
        (error.path, error.found.as_str()),
        (vec!["1".to_owned()], r#"{"b":1}"#)
    );
}

#[test]
fn writes_lists_and_booleans_as_told() {
    let lists = |list| {
        let encoding = ValueEncoding {
            list,
            ..ValueEncoding::default()
        };
        let each = [
            json!(["a,b", 1, true]),
            json!("{resources.posts.tags}"),
            json!([7]),
            json!([]),
            json!("x"),
        ];
        each.map(|value| encoded(&value, encoding)).join(" ")
    };
    assert_eq!(
        lists(ListEncoding::Repeat),
        "p=a,b&p=1&p=true p=x&p=2 p=7  p=x"
    );
    assert_eq!(lists(ListEncoding::Comma), "p=a,b,1,true p=x,2 p=7  p=x");
    assert_eq!(
        lists(ListEncoding::Brackets),
        "p[]=a,b&p[]=1&p[]=true p[]=x&p[]=2 p[]=7  p=x"
    );
    assert_eq!(
        lists(ListEncoding::Json),
        r#"p=["a,b",1,true] p=["x",2] p=[7]  p=x"#
    );
    let booleans = |boolean| {
        let encoding = ValueEncoding {
            boolean,
            ..ValueEncoding::default()
        };
        let each = [
            json!([true, false]),
            json!("{partition.active}"),
            json!("is {partition.active}"),
        ];
        each.map(|value| encoded(&value, encoding)).join(" ")
    };
    assert_eq!(
        booleans(BooleanEncoding::Lower),
        "p=true&p=false p=true p=is true"
    );
    assert_eq!(
        booleans(BooleanEncoding::Title),
        "p=True&p=False p=True p=is True"
    );
    assert_eq!(booleans(BooleanEncoding::Number), "p=1&p=0 p=1 p=is 1");
}

fn param(value: &Value) -> String {
    encoded(value, ValueEncoding::default())
}

fn encoded(value: &Value, encoding: ValueEncoding) -> String {
    let template = ParamTemplate::parse(value, ALL).unwrap();
    let pairs = with_bindings(|bindings| {
        template
            .with_encoding(encoding)
            .pairs("p", bindings)
            .unwrap()
    });
    let pairs: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("&")
}

#[test]
fn filters_work_on_values() {
    assert_eq!(
        render("{incremental.start_value | strftime('%Y-%m')}").unwrap(),
        "2024-01"
    );
    assert_eq!(
        render("{partition.active|string|upper}/{job.id | upper}").unwrap(),
        "TRUE/J1"
    );
    assert_eq!(
        render("{partition.none | default('a|b}c')}").unwrap(),
        "a|b}c"
    );
    assert_eq!(
        render(r#"{partition.none | default("it\"s")}"#).unwrap(),
        "it\"s"
    );
    assert_eq!(
        render("{resources.posts.author.id | int + 1}").unwrap(),
        "8"
    );
    assert_eq!(param(&json!("{partition.none | lower}")), "");
    assert_eq!(param(&json!("{resources.posts.tags | join('-')}")), "p=x-2");
    assert_eq!(
        param(&json!("{resources.posts.id | split('/')}")),
        "p=a&p=b c?d#e"
    );
    let body = json!({"at": "{incremental.start_value | date}", "n": "{resources.posts.author.id | float}",
        "tags": "{resources.posts.tags | first}", "text": "x{incremental.start_value | add('1h')}"});
    let body = JsonTemplate::parse(&body, ALL).unwrap();
    assert_eq!(
        with_bindings(|bindings| body.render(bindings)).unwrap(),
        json!({"at": "2024-01-01", "n": 7.0, "tags": "x", "text": "x1704106800"})
    );
    insta::assert_snapshot!(render("{resources.posts.id | date}").unwrap_err(), @"fill in `{resources.posts.id}`: evaluate `value | date`: invalid operation: `a/b c?d#e` is not a time: expected RFC 3339, a date, or whole seconds since 1970");
    insta::assert_snapshot!(render("{partition.none | lower}").unwrap_err(), @"fill in `{partition.none}`: the value is null or absent");
}

#[test]
fn keeps_types_in_json() {
    let template = json!({
        "start": "{incremental.start_value}",
        "text": "at {incremental.start_value}",
        "{job.id}": ["{partition.active}", null, 1.5, "{resources.posts.tags}"],
    });
    let template = JsonTemplate::parse(&template, ALL).unwrap();
    let rendered = with_bindings(|bindings| template.render(bindings)).unwrap();
    let expected =
        json!({"start": 1_704_103_200, "text": "at 1704103200", "j1": [true, null, 1.5, ["x", 2]]});
    assert_eq!(rendered, expected);
    let names: Vec<String> = template.references().map(Reference::to_string).collect();
    insta::assert_snapshot!(names.join(" "), @"{incremental.start_value} {incremental.start_value} {job.id} {partition.active} {resources.posts.tags}");
    let absent = JsonTemplate::parse(&json!(["{resources.posts.none}"]), ALL).unwrap();
    assert!(with_bindings(|bindings| absent.render(bindings)).is_err());
}

#[test]
fn points_at_what_is_wrong() {
    let error = |text: &str, allowed: &[Context]| {
        let error = Template::parse(text, allowed).unwrap_err();
        format!("{:?} {error}", error.range)
    };
    insta::assert_snapshot!(error("a {", ALL), @"2..3 read `{`: expected a closing brace, or `{{` for a literal brace");
    insta::assert_snapshot!(error("a }", ALL), @"2..3 read `}`: expected `}}` for a literal brace");
    insta::assert_snapshot!(error("{x}", &[]), @"1..2 read `x`: expected no placeholder here; `{{` and `}}` are literal braces");
    insta::assert_snapshot!(error("é{job.id}", &[Context::Partition]), @"3..6 read `job`: expected `{partition.<key>}` here, or `{{` and `}}` for literal braces");
    insta::assert_snapshot!(error("{incremental.start_valu}", ALL), @"13..23 read `start_valu`: expected `start_value`, `last_value`, `end_value`, `initial_value` or `lag` behind `incremental.`");
    insta::assert_snapshot!(error("{resources.posts}", ALL), @"1..16 read `resources.posts`: expected `resources.<parent>.<path>`");
    insta::assert_snapshot!(error("{job.name}", ALL), @"1..9 read `job.name`: expected `job.id`");
    insta::assert_snapshot!(error("{job.id | lowr}", ALL), @"9..14 read ` lowr`: expected a filter that exists, such as `lower`");
    insta::assert_snapshot!(error("{job.id | nothing_like_it}", ALL), @"9..25 read ` nothing_like_it`: expected a filter that exists; there is no `nothing_like_it`");
    insta::assert_snapshot!(error("{job.id | default(x)}", ALL), @"9..20 read ` default(x)`: expected a filter's arguments between quotes or as numbers; `x` isn't known here");
    insta::assert_snapshot!(error("{job.id | }", ALL), @"9..10 read ` `: expected filters such as `lower` or `strftime('%Y-%m')` (syntax error: unexpected end of input, expected identifier)");
    insta::assert_snapshot!(error("{incremental.start_value | strftime('%!')}", ALL), @"26..41 read ` strftime('%!')`: expected filters such as `lower` or `strftime('%Y-%m')` (invalid operation: `%!` is no format of times: strftime formatting failed: found unrecognized specifier directive `!`)");
    insta::assert_snapshot!(error("{incremental.start_value:>5}", ALL), @"1..27 read `incremental.start_value:>5`: expected filters behind a bar, such as `{incremental.start_value | string}`, where Python has `:` and `!`");
    insta::assert_snapshot!(error("{resources.posts.id!r}", ALL), @"1..21 read `resources.posts.id!r`: expected filters behind a bar, such as `{resources.posts.id | string}`, where Python has `:` and `!`");
    insta::assert_snapshot!(error("{job.id | default('}", ALL), @"0..20 read `{job.id | default('}`: expected a closing brace, or `{{` for a literal brace");
    let nested = JsonTemplate::parse(&json!({"a": [0, "{x}"]}), &[]).unwrap_err();
    assert_eq!(nested.path, ["a", "1"]);
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_without_braces_is_itself(text in "[^{}]{0,40}") {
            prop_assert_eq!(render(&text).unwrap(), text);
        }

        #[test]
        fn doubled_braces_are_literal(text in "[a-z{}|.]{0,30}") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            prop_assert_eq!(render(&doubled).unwrap(), text);
        }

        #[test]
        fn any_text_is_read_or_refused_within_itself(text in "\\PC{0,40}") {
            if let Err(error) = Template::parse(&text, ALL) {
                prop_assert!(text.get(error.range.clone()).is_some(), "{error:?}");
            }
        }

        #[test]
        fn a_value_stays_within_its_segment(value in "\\PC{1,20}") {
            let slice = Slice {
                partition: BTreeMap::from([("active".to_owned(), json!(value))]),
                ..Slice::default()
            };
            let bindings = Bindings { slice: &slice, incremental: None, job_id: None };
            let path = Template::parse("a/{partition.active}/b", ALL).unwrap().render_path(&bindings);
            match path {
                Err(RenderError::NotSegment { .. }) => prop_assert!(value == "." || value == ".."),
                Err(other) => prop_assert!(false, "{other}"),
                Ok(path) => {
                    let url = url::Url::parse(&format!("https://h/{path}")).unwrap();
                    prop_assert_eq!(url.path_segments().unwrap().count(), 3);
                    prop_assert!(url.query().is_none() && url.fragment().is_none());
                }
            }
        }
    }
}
