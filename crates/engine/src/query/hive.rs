//! What the folders of a table's files say of its columns.

use arrow::datatypes::DataType;

use super::TableFiles;

/// The keys of the folders that all files lie in, outermost first, each with the type of its column; `None` for a part of a
/// time, which is no column. Empty where the files have no folders in common, or a folder's value is not the column's.
pub(super) fn keys(table: &TableFiles) -> Vec<(String, Option<DataType>)> {
    let mut all = table
        .files
        .iter()
        .map(|file| keys_of(table, &file.location));
    let Some(Some(first)) = all.next() else {
        return Vec::new();
    };
    if !all.all(|keys| keys.as_ref() == Some(&first)) {
        return Vec::new();
    }
    let typed = first.into_iter().map(|key| {
        let column = table.schema.field_with_name(&key).ok();
        let data_type = column.map(|column| column.data_type().clone());
        is_exact(data_type.as_ref()).then_some((key, data_type))
    });
    typed.collect::<Option<_>>().unwrap_or_default()
}

fn keys_of(table: &TableFiles, location: &str) -> Option<Vec<String>> {
    let inner = location.strip_prefix(table.folder.as_str())?;
    let (folders, _) = inner.trim_start_matches('/').rsplit_once('/')?;
    let key = |folder: &str| {
        let (key, _) = folder.split_once('=')?;
        // What is escaped would have to be read back as a reader does it.
        (!key.contains('%')).then(|| key.to_owned())
    };
    folders.split('/').map(key).collect()
}

/// Whether the text of a folder gives back the column's value, whoever reads it.
fn is_exact(data_type: Option<&DataType>) -> bool {
    matches!(
        data_type,
        None | Some(DataType::Utf8 | DataType::Int64 | DataType::Boolean | DataType::Date32)
    )
}
