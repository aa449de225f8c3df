//! What `engine init` says of what it found and wrote.

use comfy_table::{Table, presets};
use engine::discover::{Certainty, Discovered, Finding, Paging, Setup, Written};

/// What was found of each endpoint, a line each, with its evidence.
pub(super) fn findings(setup: &Setup, found: &[Discovered]) -> String {
    let endpoints = setup.endpoints.iter().zip(found);
    let texts = endpoints.map(|(endpoint, found)| {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        for line in lines(found) {
            table.add_row(line.map(|text| shown(&text)));
        }
        let (name, path) = (&endpoint.name, &endpoint.path);
        format!(
            "{name}: {}/{path}\n{}\n",
            setup.base_url.trim_end_matches('/'),
            table.trim_fmt()
        )
    });
    texts.collect::<Vec<_>>().join("\n")
}

fn lines(found: &Discovered) -> Vec<[String; 4]> {
    fn line<T>(what: &str, value: String, finding: &Finding<T>) -> [String; 4] {
        let Finding {
            evidence,
            certainty,
            ..
        } = finding;
        [
            what.to_owned(),
            value,
            certainty.to_string(),
            evidence.clone(),
        ]
    }
    let unknown = |what: &str, reason: &str| {
        [
            what.to_owned(),
            "-".to_owned(),
            "unknown".to_owned(),
            reason.to_owned(),
        ]
    };
    let mut lines = vec![line("records", found.records.value.clone(), &found.records)];
    lines.push(match &found.paging {
        Paging::Found(paginator) => line("pages", paginator.value.clone(), paginator),
        Paging::NoneSeen(reason) | Paging::Unknown(reason) => unknown("pages", reason),
    });
    lines.push(match &found.primary_key {
        Some(key) => line("key", key.value.join(", "), key),
        None => unknown("key", "no field tells the records apart"),
    });
    if let Some(cursor) = &found.cursor {
        lines.push(line("cursor", cursor.value.path.clone(), cursor));
    }
    for time in &found.times {
        let value = format!("{} ({})", time.value.field, time.value.format);
        lines.push(line("time", value, time));
    }
    lines
}

/// The files.
pub(super) fn written(written: &[Written]) -> String {
    let names = written
        .iter()
        .map(|file| match (file.was_there, file.name.as_str()) {
            (true, name) => format!("  {name} (lines added)"),
            (false, ".env") => "  .env (the secret, for its owner alone)".to_owned(),
            (false, name) => format!("  {name}"),
        });
    let names: Vec<String> = names.collect();
    format!("written:\n{}\n", names.join("\n"))
}

/// What to do next.
pub(super) fn next_steps(setup: &Setup, found: &[Option<Discovered>]) -> String {
    let name = &setup.name;
    let mut steps = Vec::new();
    let endpoints = || setup.endpoints.iter().zip(found);
    for (endpoint, found) in endpoints() {
        let Some(found) = found else { continue };
        let open = match &found.paging {
            Paging::Found(paging) if paging.certainty == Certainty::Guess => Some("look at"),
            Paging::Unknown(_) => Some("set"),
            Paging::Found(_) | Paging::NoneSeen(_) => None,
        };
        if let Some(open) = open {
            let name_of_resource = &endpoint.name;
            steps.push(format!(
                "  {open} `paginator` of `{name_of_resource}` in {name}.yaml"
            ));
        }
        if found.records.certainty == Certainty::Guess {
            steps.push(format!(
                "  look at `data_selector` of `{}` in {name}.yaml",
                endpoint.name
            ));
        }
    }
    if found.iter().any(Option::is_none) {
        steps.push(format!("  fill in {name}.yaml"));
        if setup
            .variables()
            .iter()
            .any(|variable| !variable.is_optional)
        {
            steps.push("  put the secret into .env, as .env.example shows".to_owned());
        }
    }
    steps.push(format!("  engine run {name}.yaml"));
    if let Some(first) = setup.endpoints.first() {
        let files = format!("data/{name}/{}/*.parquet", first.name);
        steps.push(format!("  duckdb -c \"select * from '{files}' limit 10\""));
    }
    format!("next:\n{}", steps.join("\n"))
}

/// A text from outside, without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}
