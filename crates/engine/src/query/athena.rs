//! Amazon Athena
//!
//! An external table is a folder. The view of it reads the files of one commit, by the hidden column `$path`, and skips all
//! others.

use super::dialect::ATHENA;
use super::{QueryError, TableFiles, quoted};

pub(super) fn query(table: &TableFiles) -> Result<String, QueryError> {
    table.check_scheme(ATHENA.name, "s3://")?;
    table.check_types(ATHENA.name)?;
    let name = sql_name(&table.table);
    let definition = |name: &str, type_name: &str| format!("  {name} {type_name}");
    let definitions = ATHENA.columns(table.schema.fields(), definition)?;
    let definitions = definitions.join(",\n");
    let folder = quoted(&format!("{}/", table.folder), '\'');
    let columns = table.schema.fields().iter();
    let columns: Vec<String> = columns
        .map(|field| format!("  {}", quoted(field.name(), '"')))
        .collect();
    let columns = columns.join(",\n");
    let files = table.files.iter();
    let files: Vec<String> = files
        .map(|file| format!("  {}", quoted(&file.location, '\'')))
        .collect();
    let condition = if files.is_empty() {
        "false".to_owned()
    } else {
        format!("\"$path\" IN (\n{}\n)", files.join(",\n"))
    };
    Ok(format!(
        "DROP TABLE IF EXISTS `{name}_files`;\n\nCREATE EXTERNAL TABLE `{name}_files` (\n{definitions}\n)\nSTORED AS \
         PARQUET\nLOCATION {folder};\n\nCREATE OR REPLACE VIEW \"{name}\" AS\nSELECT\n{columns}\nFROM \
         \"{name}_files\"\nWHERE {condition};"
    ))
}

/// Names have small letters, digits and `_`.
fn sql_name(table: &str) -> String {
    let letter = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() => letter.to_ascii_lowercase(),
        _ => '_',
    };
    table.chars().map(letter).collect()
}
