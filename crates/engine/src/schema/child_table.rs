//! Child tables: the elements of lists as rows of their own, in the form [`Form::Tables`].
//!
//! What is observed stays one tree, in the schema of the table that the records go to; only settled columns lie apart.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::TableSchema;
use super::column::{Column, ColumnType, Kind, Source};
use super::form::{Form, flattened};
use super::observed::{Declaration, Field, ObjectSummary, Observed};
use super::settle::settled_columns;

/// Tells a row from all others of its table, from load to load where the row is the same.
pub(crate) const ROW_ID: &str = "_dlt_id";

/// The [`ROW_ID`] of the row whose list an element is in.
pub(crate) const PARENT_ID: &str = "_dlt_parent_id";

/// The element's position in its list, from 0.
pub(crate) const LIST_INDEX: &str = "_dlt_list_idx";

/// The [`ROW_ID`] of the record that an element is in, at whatever depth.
pub(crate) const ROOT_ID: &str = "_dlt_root_id";

/// The columns that each child table ends in.
const KEYS: [(&str, ColumnType); 4] = [
    (PARENT_ID, ColumnType::Text),
    (LIST_INDEX, ColumnType::Int64),
    (ROW_ID, ColumnType::Text),
    (ROOT_ID, ColumnType::Text),
];

/// Their names, which no key of an element gets.
const KEY_NAMES: [&str; 4] = [PARENT_ID, LIST_INDEX, ROW_ID, ROOT_ID];

/// The column of an element that is no object.
const VALUE: &str = "value";

/// Where the elements of an element that is a list itself come from.
const LIST: &str = "list";

/// Bytes of a child table's name behind that of its root; what is longer ends in a hash.
const NAME_BYTES: usize = 120;

/// What the lists at one place have become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChildTable {
    /// Where the lists lie in a row of the table above.
    #[serde(flatten)]
    pub(crate) source: Source,
    /// The table's name behind that of its root and `__`; unique among all tables of the root.
    pub(crate) name: String,
    /// The columns, without the keys.
    pub(crate) columns: Vec<Column>,
    /// What the lists in its rows have become.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tables: Vec<Self>,
}

/// The columns of rows at one level, and the tables of the lists in them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Level<'a> {
    pub(crate) columns: &'a [Column],
    pub(crate) tables: &'a [ChildTable],
}

impl<'a> Level<'a> {
    /// Columns of which no list lies apart.
    pub(crate) fn of(columns: &'a [Column]) -> Self {
        Self {
            columns,
            tables: &[],
        }
    }

    /// The table of the lists of a source.
    pub(crate) fn table(self, source: &Source) -> Option<&'a ChildTable> {
        self.tables.iter().find(|table| table.source == *source)
    }

    /// Whether something lies apart of what is in the objects of a source.
    pub(super) fn has_within(self, source: &Source) -> bool {
        let columns = self.columns.iter().map(|column| &column.source);
        let mut all = columns.chain(self.tables.iter().map(|table| &table.source));
        all.any(|inner| inner.is_in(source))
    }

    /// Whether new lists of a source become rows of a table rather than values of a column.
    fn puts_apart(self, source: &Source, form: Form) -> bool {
        let columns = self.columns.iter();
        let of_source = columns.filter(|column| column.source == *source);
        self.table(source).is_some() || form.puts_lists_apart(of_source)
    }
}

impl ChildTable {
    /// The columns, without the keys, and the tables of the lists in the rows.
    pub(crate) fn level(&self) -> Level<'_> {
        Level {
            columns: &self.columns,
            tables: &self.tables,
        }
    }

    /// Whether objects among the elements are values of one column: they have too many keys, or are nested too deep.
    pub(crate) fn holds_whole_objects(&self) -> bool {
        holds_whole_objects(&self.columns)
    }

    /// The schema of the table's files: its columns, and the keys behind them.
    pub(super) fn schema(&self) -> TableSchema {
        let keys = KEYS.map(|(name, data_type)| Column {
            source: Source::given(name),
            kind: data_type.kind(),
            name: name.to_owned(),
            data_type,
            required: true,
            declared: true,
            closed: false,
            description: None,
        });
        TableSchema {
            columns: Some(self.columns.iter().cloned().chain(keys).collect()),
            ..TableSchema::default()
        }
    }
}

impl Source {
    /// What is no key of the row: an element itself, or what tells rows apart.
    pub(crate) fn given(name: &str) -> Self {
        Self {
            from_parent: true,
            ..Self::key(name)
        }
    }

    /// An element that is no object.
    pub(crate) fn element() -> Self {
        Self::given(VALUE)
    }

    /// The elements of an element.
    pub(crate) fn inner_list() -> Self {
        Self::given(LIST)
    }
}

impl TableSchema {
    /// The names behind that of the table, and the schemas, of all child tables; each before those below it.
    pub(crate) fn child_tables(&self) -> Vec<(&str, Self)> {
        fn collect<'t>(tables: &'t [ChildTable], found: &mut Vec<(&'t str, TableSchema)>) {
            for table in tables {
                found.push((&table.name, table.schema()));
                collect(&table.tables, found);
            }
        }
        let mut found = Vec::new();
        collect(&self.tables, &mut found);
        found
    }

    /// Whether lists have become tables.
    pub(crate) fn has_child_tables(&self) -> bool {
        !self.tables.is_empty()
    }

    /// Whether rows are told apart by an id, since the elements of lists refer to them.
    pub(crate) fn has_row_ids(&self) -> bool {
        self.has_child_tables() || self.row_id().is_some()
    }

    /// The unsettled schema of columns of instants that are given to rows.
    pub(crate) fn of_timestamps<'n>(names: impl IntoIterator<Item = &'n String>) -> Self {
        let field = |name: &String| Field {
            source: Source::given(name),
            declared: Some(Declaration {
                data_type: Some(ColumnType::Timestamp(None)),
                form: None,
                required: false,
                description: None,
            }),
            observed: Observed::default(),
        };
        Self {
            fields: names.into_iter().map(field).collect(),
            ..Self::default()
        }
    }

    /// Position of the column of ids.
    pub(crate) fn row_id(&self) -> Option<usize> {
        self.given_column(ROW_ID)
    }

    /// Position of the column of the ids of records, in a child table.
    pub(crate) fn root_id(&self) -> Option<usize> {
        self.given_column(ROOT_ID)
    }

    /// Position of a column that is given to rows, rather than read, under its source's name.
    pub(crate) fn given_column(&self, key: &str) -> Option<usize> {
        let source = Source::given(key);
        let layout = self.layout();
        let is_key = |column: &Column| column.source == source && column.declared;
        layout.iter().position(is_key)
    }
}

/// What the rows of one level settle to, relative to what is committed.
pub(super) fn settled_level(
    fields: &[Field],
    reserved: &[&str],
    form: Form,
    committed: Level<'_>,
    committed_fields: &[Field],
) -> (Vec<Column>, Vec<ChildTable>) {
    let fields = flattened(fields, form, committed);
    let before = flattened(committed_fields, form, committed);
    let mut rest = Cow::Borrowed(&*fields);
    let mut tables = committed.tables.to_vec();
    for (at, field) in fields.iter().enumerate() {
        let lists = field.observed.list.as_deref();
        let form = form.of(field);
        let Some(lists) = lists.filter(|_| committed.puts_apart(&field.source, form)) else {
            continue;
        };
        rest.to_mut()[at].observed.list = None;
        let known = before.iter().find(|known| known.source == field.source);
        let known = known.and_then(|known| known.observed.list.as_deref());
        match tables.iter_mut().find(|table| table.source == field.source) {
            Some(table) => table.take_in(lists, form, known),
            // Of empty lists nothing is known.
            None if *lists == Observed::default() => {}
            None => {
                let mut table = ChildTable {
                    source: field.source.clone(),
                    name: String::new(),
                    columns: Vec::new(),
                    tables: Vec::new(),
                };
                table.take_in(lists, form, known);
                tables.push(table);
            }
        }
    }
    let columns = settled_columns(&rest, reserved, form, committed.columns, &before);
    (columns, tables)
}

impl ChildTable {
    /// Adds what the elements of new lists need.
    fn take_in(&mut self, elements: &Observed, form: Form, before: Option<&Observed>) {
        let object = elements.object.as_ref();
        let whole = self.holds_whole_objects()
            || object.is_some_and(|object| !ObjectSummary::has_fields(object));
        let before = before.map_or_else(Vec::new, |before| element_fields(before, whole));
        (self.columns, self.tables) = settled_level(
            &element_fields(elements, whole),
            &KEY_NAMES,
            form,
            self.level(),
            &before,
        );
    }
}

/// The id of what has this name.
pub(crate) fn row_id(name: &str) -> String {
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(name.as_bytes()))
}

/// What is known of elements, as of the fields of a row.
pub(crate) fn element_fields(elements: &Observed, whole_objects: bool) -> Vec<Field> {
    let field = |source, observed| Field {
        source,
        declared: None,
        observed,
    };
    let mut rest = elements.clone();
    let mut fields = Vec::new();
    if let Some(list) = rest.list.take() {
        let observed = Observed {
            list: Some(list),
            ..Observed::default()
        };
        fields.push(field(Source::inner_list(), observed));
    }
    if !whole_objects && let Some(object) = rest.object.take() {
        fields.extend(object.fields);
    }
    if rest != Observed::default() {
        fields.push(field(Source::element(), rest));
    }
    fields
}

/// Whether objects among elements that have these columns are values of one of them.
pub(crate) fn holds_whole_objects(columns: &[Column]) -> bool {
    let element = Source::element();
    columns
        .iter()
        .any(|column| column.source == element && column.takes(Kind::Object))
}

/// Names the tables that have none: the keys that lead to it, joined by `__`, in letters that files can have.
///
/// A function of the set of tables; those that are committed keep theirs.
pub(super) fn name_tables(tables: &mut [ChildTable]) {
    fn collect(tables: &[ChildTable], taken: &mut HashSet<String>) {
        for table in tables {
            taken.insert(table.name.to_ascii_lowercase());
            collect(&table.tables, taken);
        }
    }
    fn give(tables: &mut [ChildTable], above: &str, taken: &mut HashSet<String>) {
        let mut order: Vec<&mut ChildTable> = tables.iter_mut().collect();
        order.sort_by_key(|table| (!table.source.from_parent, table.source.clone()));
        for table in order {
            if table.name.is_empty() {
                let mut name = usable(&format!("{above}{}", table.source.base_name()));
                while !taken.insert(name.to_ascii_lowercase()) {
                    name.push('_');
                }
                table.name = name;
            }
            let above = format!("{}__", table.name);
            give(&mut table.tables, &above, taken);
        }
    }
    let mut taken = HashSet::new();
    collect(tables, &mut taken);
    give(tables, "", &mut taken);
}

/// A name in letters, and of a length, that folders can have everywhere.
fn usable(name: &str) -> String {
    let usable = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let letters = name.chars();
    let short: String = letters
        .map(|letter| if usable(letter) { letter } else { '_' })
        .take(NAME_BYTES)
        .collect();
    if name.chars().nth(NAME_BYTES).is_none() {
        return short;
    }
    let hash = xxhash_rust::xxh3::xxh3_64(name.as_bytes());
    format!("{short}_{hash:016x}")
}
