//! `engine sql`

use std::process::ExitCode;

use engine::load::upkeep::find_table;
use engine::query::{QueriedFile, Reader, TableFiles, query};

use super::files::check_files;
use crate::args::{SqlArguments, SqlReader};
use crate::failure::Failure;
use crate::place::Place;
use crate::printer::Printer;

pub(crate) async fn sql(arguments: &SqlArguments, printer: &Printer) -> Result<ExitCode, Failure> {
    let place = Place::open(&arguments.place)?;
    let state = place.state(arguments.at).await?;
    let name = &arguments.table;
    let table = find_table(&state, name)?;
    let columns = table
        .schema
        .as_ref()
        .map(engine::schema::TableSchema::arrow_schema);
    let Some(schema) = columns.filter(|schema| !schema.fields().is_empty()) else {
        let message = format!("`{name}` has no columns yet: no record has come");
        return Err(Failure::Other {
            message,
            cause: None,
            code: 1,
        });
    };
    check_files(&place, name, table, state.sequence, arguments.at).await?;
    let files = table.files.iter().map(|file| {
        Ok(QueriedFile {
            location: place.location(&file.path),
            schema: table.layout_of(file)?,
        })
    });
    let files = files.collect::<Result<_, engine::load::Error>>()?;
    let table = TableFiles {
        table: name.clone(),
        folder: place.location(name),
        schema,
        files,
    };
    let reader = match arguments.reader {
        SqlReader::DuckDb => Reader::DuckDb,
        SqlReader::Spark => Reader::Spark,
        SqlReader::Athena => Reader::Athena,
        SqlReader::BigQuery => Reader::BigQuery,
        SqlReader::Polars => Reader::Polars,
    };
    let text = query(reader, &table).map_err(|error| Failure::usage(error.to_string(), None))?;
    printer.result(&text);
    Ok(ExitCode::SUCCESS)
}
