//! `engine schema`

use std::collections::BTreeMap;
use std::process::ExitCode;

use engine::load::upkeep::find_table;
use engine::load::{History, SchemaChange, State, TableState};
use engine::query::{Database, create_table};
use engine::schema::{Change, ColumnChange, ColumnDescription, TableSchema, changes};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::args::{DdlDatabase, SchemaArguments, SchemaOutput};
use crate::failure::Failure;
use crate::place::Place;
use crate::printer::Printer;
use crate::summary::{grouped, plain_table};

pub(crate) async fn schema(
    arguments: &SchemaArguments,
    printer: &Printer,
) -> Result<ExitCode, Failure> {
    check(arguments)?;
    let place = Place::open(&arguments.place)?;
    let content = if arguments.history {
        history(&place, arguments).await?
    } else if let Some((from, to)) = &arguments.diff {
        diff(&place, arguments, from.as_deref(), to.as_deref()).await?
    } else {
        let state = place.state(arguments.at).await?;
        current(&state, arguments)?
    };
    printer.write(&content, arguments.to.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses what doesn't go together.
fn check(arguments: &SchemaArguments) -> Result<(), Failure> {
    let is_of_changes = arguments.history || arguments.diff.is_some();
    let problem = match arguments.output {
        SchemaOutput::Arrow | SchemaOutput::Ddl if is_of_changes => {
            "`--history` and `--diff` are written as `text` or `json`"
        }
        SchemaOutput::Arrow if arguments.table.is_none() => {
            "`--output arrow` is of one table: name it behind the destination"
        }
        output if output != SchemaOutput::Ddl && arguments.database.is_some() => {
            "`--for` is for `--output ddl`"
        }
        _ => return Ok(()),
    };
    Err(Failure::usage(problem.to_owned(), None))
}

fn current(state: &State, arguments: &SchemaArguments) -> Result<Vec<u8>, Failure> {
    let tables = asked_for(state, arguments)?;
    let text = match arguments.output {
        SchemaOutput::Arrow => {
            let (name, table) = tables[0];
            return engine::query::arrow_file(&schema_of(name, table)?.arrow_schema()).map_err(
                |error| Failure::Other {
                    message: "write the schema as Arrow".to_owned(),
                    cause: Some(Box::new(error)),
                    code: 1,
                },
            );
        }
        SchemaOutput::Text => {
            let texts = tables.iter().map(|(name, table)| render(name, table));
            texts.collect::<Vec<_>>().join("\n\n")
        }
        SchemaOutput::Json => {
            let tables = tables.iter().map(|(name, table)| as_json(name, table));
            json!({"sequence": state.sequence, "tables": tables.collect::<Vec<_>>()}).to_string()
        }
        SchemaOutput::Ddl => {
            let statements = tables.iter().map(|(name, table)| {
                let schema = schema_of(name, table)?.arrow_schema();
                create_table(database(arguments.database), name, &schema)
                    .map_err(|error| Failure::usage(error.to_string(), None))
            });
            statements.collect::<Result<Vec<_>, _>>()?.join("\n\n")
        }
    };
    Ok(lines(text))
}

type Tables<'s> = Vec<(&'s str, &'s TableState)>;

/// The table that is named, or all that have columns.
fn asked_for<'s>(state: &'s State, arguments: &'s SchemaArguments) -> Result<Tables<'s>, Failure> {
    if let Some(name) = &arguments.table {
        return Ok(vec![(name, find_table(state, name)?)]);
    }
    let tables = state.tables.iter().map(|(name, table)| (&**name, table));
    let tables: Tables<'_> = tables.filter(|(_, table)| table.schema.is_some()).collect();
    if tables.is_empty() {
        return Err(engine::load::Error::NoTables.into());
    }
    Ok(tables)
}

fn schema_of<'t>(name: &str, table: &'t TableState) -> Result<&'t TableSchema, Failure> {
    let schema = table.schema.as_ref();
    schema
        .filter(|schema| !schema.describe().is_empty())
        .ok_or_else(|| Failure::Other {
            message: format!("`{name}` has no columns yet: no record has come"),
            cause: None,
            code: 1,
        })
}

fn render(name: &str, table: &TableState) -> String {
    let columns = table.schema.as_ref().map(TableSchema::describe);
    let columns = columns.unwrap_or_default();
    let count = columns.iter().filter(|column| column.depth == 0).count();
    let title = format!(
        "{name}: {} columns, version {}, {} rows",
        grouped(count as u64),
        table.schema_version,
        grouped(table.rows())
    );
    let is_described = columns.iter().any(|column| column.description.is_some());
    let rows = columns.iter().map(|column| {
        let mut row = vec![
            format!("{}{}", "  ".repeat(column.depth), column.name),
            column.type_name.clone(),
            if column.nullable { "" } else { "not null" }.to_owned(),
        ];
        if is_described {
            row.push(column.description.clone().unwrap_or_default());
        }
        row
    });
    format!("{title}\n{}", plain_table(rows))
}

fn as_json(name: &str, table: &TableState) -> Value {
    let columns: Vec<ColumnDescription> = table
        .schema
        .as_ref()
        .map_or_else(Vec::new, TableSchema::describe);
    json!({
        "table": name,
        "schema_version": table.schema_version,
        "rows": table.rows(),
        "primary_key": table.basis.as_ref().map(|basis| &basis.primary_key),
        "columns": columns,
    })
}

async fn history(place: &Place, arguments: &SchemaArguments) -> Result<Vec<u8>, Failure> {
    let all = History::read(&place.destination).await?;
    let state = all.state();
    let mut changes = all.schema_changes();
    let asked_for = asked_for(&state, arguments)?;
    let tables: BTreeMap<&str, Vec<SchemaChange>> = asked_for
        .into_iter()
        .map(|(name, _)| (name, changes.remove(name).unwrap_or_default()))
        .collect();
    let text = if arguments.output == SchemaOutput::Json {
        json!({"sequence": state.sequence, "tables": tables}).to_string()
    } else {
        let texts = tables.iter().map(|(name, changes)| {
            let commits = changes.iter().map(render_change);
            let commits = commits.collect::<Vec<_>>().join("\n");
            format!("{name}\n{commits}")
        });
        texts.collect::<Vec<_>>().join("\n\n")
    };
    Ok(lines(text))
}

fn render_change(change: &SchemaChange) -> String {
    let title = format!(
        "  commit {} of load {}, {}: version {}",
        change.sequence,
        change.load_id,
        whole_seconds(change.committed_at),
        change.schema_version
    );
    let lines = change.columns.iter().map(|column| {
        let mut row = change_row(column);
        row.push(column.due_to(&change.causes));
        row
    });
    let lines = plain_table(lines);
    format!("{title}\n{}", indented(&lines, "    "))
}

fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

fn change_row(change: &ColumnChange) -> Vec<String> {
    let sign = match &change.change {
        Change::Added { .. } => '+',
        Change::Widened { .. } | Change::Nullable { .. } => '~',
        Change::Removed { .. } => '-',
    };
    vec![
        format!("{sign} {}", change.column),
        change.change.to_string(),
    ]
}

async fn diff(
    place: &Place,
    arguments: &SchemaArguments,
    from: Option<&str>,
    to: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    let history = History::read(&place.destination).await?;
    let before = match from {
        Some(load) => history.state_behind(load)?,
        None => State::default(),
    };
    let after = match to {
        Some(load) => history.state_behind(load)?,
        None => history.state(),
    };
    if let Some(name) = &arguments.table
        && !before.tables.contains_key(name)
    {
        find_table(&after, name)?;
    }
    let names = before.tables.keys().chain(after.tables.keys());
    let asked_for = arguments.table.as_ref();
    let schema = |state: &State, name: &str| state.tables.get(name)?.schema.clone();
    let tables: BTreeMap<&String, Vec<ColumnChange>> = names
        .filter(|name| asked_for.is_none_or(|asked_for| asked_for == *name))
        .map(|name| {
            let (before, after) = (schema(&before, name), schema(&after, name));
            (name, changes(before.as_ref(), after.as_ref()))
        })
        .filter(|(_, changes)| !changes.is_empty())
        .collect();
    let text = match arguments.output {
        SchemaOutput::Json => {
            json!({"from": before.sequence, "to": after.sequence, "tables": tables}).to_string()
        }
        _ if tables.is_empty() => format!(
            "no difference between commit {} and commit {}",
            before.sequence, after.sequence
        ),
        _ => {
            let texts = tables.iter().map(|(name, changes)| {
                let lines = plain_table(changes.iter().map(change_row));
                format!("{name}\n{}", indented(&lines, "  "))
            });
            texts.collect::<Vec<_>>().join("\n\n")
        }
    };
    Ok(lines(text))
}

/// A text as it is written.
fn lines(mut text: String) -> Vec<u8> {
    text.push('\n');
    text.into_bytes()
}

fn indented(text: &str, indent: &str) -> String {
    let lines = text.lines().map(|line| format!("{indent}{line}"));
    lines.collect::<Vec<_>>().join("\n")
}

fn database(database: Option<DdlDatabase>) -> Database {
    match database {
        None | Some(DdlDatabase::DuckDb) => Database::DuckDb,
        Some(DdlDatabase::Spark) => Database::Spark,
        Some(DdlDatabase::BigQuery) => Database::BigQuery,
        Some(DdlDatabase::Snowflake) => Database::Snowflake,
        Some(DdlDatabase::Postgres) => Database::Postgres,
    }
}
