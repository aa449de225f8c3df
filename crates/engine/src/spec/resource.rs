//! `resources`: what is read, and into which tables.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::cursor::CursorFormats;
use super::endpoint::Endpoint;
use super::expect::Expect;
use super::processing_step::ProcessingStep;
use super::schema_contract::SchemaContract;
use super::value::OneOrMany;
use super::write_disposition::{DedupSort, WriteDisposition};

/// One collection of the API, read into one table.
///
/// The short form `people` stands for a resource of that name whose endpoint's path is the same.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = super::schema::absent_or_null)]
pub struct Resource {
    /// The resource's name: also its table and its folder, unless `table_name` says otherwise. Letters, digits, `_` and `-`, a letter or digit first;
    /// unique, whatever the case.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$"))]
    pub name: String,
    /// Name of the table, and of its folder, where it is not the resource's; no two resources have the same. Default: `name`.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$"))]
    pub table_name: Option<String>,
    /// The name that the resource had before. Where the destination holds a table of that name, and none of the new one, the
    /// next run begins by moving its files, with how far it was read, to the new name. Default: none.
    #[schemars(regex(pattern = "^[A-Za-z0-9][A-Za-z0-9_-]*$"))]
    pub renamed_from: Option<String>,
    /// What the records are, for people: `engine docs` prints it. Default: none.
    pub description: Option<String>,
    /// The requests. Default: `GET` of a path that is the resource's name. A string stands for its `path`.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::endpoint_or_path")]
    pub endpoint: Endpoint,
    /// Records that the spec itself gives, in place of an `endpoint`: mappings, or scalars, which become the column `value`.
    /// They are written like any other's, in every run (`write_disposition: skip` or `replace` may fit better than the
    /// default), and other resources can name their fields.
    pub data: Option<Vec<serde_json::Value>>,
    /// Reads the resource once for each value, or for each combination of values where several keys are given; requests
    /// name them `{partition.<key>}`, and `processing_steps` can put them into the records (`map: { channel:
    /// partition.channel }`).
    #[serde(default)]
    pub for_each: IndexMap<String, Vec<serde_json::Value>>,
    /// Fields of the parent's record that are copied into each record, as `_<parent>_<field>`. A field is a key or a
    /// JSONPath (`author.id` becomes `_<parent>_author_id`); a mapping names another ancestor or another column.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::included_fields")]
    pub include_from_parent: Vec<IncludedField>,
    /// Parent records that one request asks for. Each placeholder of the parent then stands for a list: a query parameter or
    /// a `json` value that is exactly the placeholder takes the list, elsewhere the values are joined by commas. Records
    /// that name different records of an ancestor further up are not put together. Default: 1, without lists.
    #[schemars(range(min = 1))]
    pub parents_per_request: Option<usize>,
    /// An expression that is true for the records to keep, such as `status != 'deleted'`: the first of the
    /// `processing_steps`.
    pub filter: Option<String>,
    /// What is done with each record, in order, before it is compared with the cursor, written, or handed to the resources
    /// that depend on this one. Default: nothing.
    #[serde(default)]
    pub processing_steps: Vec<ProcessingStep>,
    /// The field or fields that tell one record from another. Required for `merge`, unless there is a `merge_key` or the
    /// strategy is `scd2`. Default: the `columns` with `primary_key: true`.
    #[serde(default)]
    pub primary_key: OneOrMany,
    /// The field or fields by which a `merge` takes whole groups of rows away, such as a day or an account: with
    /// `delete-insert` all rows that have a `merge_key` of the load; with `cdc` and `scd2` it says which of the rows that
    /// are not in the load count as absent. Default: the `columns` with `merge_key: true`.
    #[serde(default)]
    pub merge_key: OneOrMany,
    /// How rows join those that the table already holds: `append`, `replace`, `merge`, `skip`, or a mapping that names the
    /// `strategy` of a merge. Default: `append`.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::disposition_or_name")]
    pub write_disposition: WriteDisposition,
    /// Columns whose values divide the table's files into folders, the outermost first, in Hive's layout:
    /// `<table>/channel=phone/start_time_day=2024-01-31/<file>.parquet`. A change concerns the files that are written from
    /// then on; all others stay where they are. Default: the files lie in the table's folder.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::partition_fields")]
    pub partition_by: Vec<PartitionField>,
    /// What is known of the columns beforehand: a mapping from name to hints, or a list of mappings with a `name`.
    #[serde(default)]
    #[schemars(schema_with = "super::schema::columns")]
    pub columns: IndexMap<String, Column>,
    /// What becomes of objects and lists in the records, where `columns` doesn't say otherwise. Default: structs and lists,
    /// and maps for objects that are used as maps. Once a column is committed, it keeps its form.
    pub nested: Option<Nested>,
    /// What a load may change of the table's schema. A mode alone stands for all of `tables`, `columns` and `data_type`.
    /// Default: everything (`evolve`).
    #[serde(default)]
    #[schemars(schema_with = "super::schema::contract_or_mode")]
    pub schema_contract: SchemaContract,
    /// A folder below the destination, such as `_rejected`: what `schema_contract` discards is written to
    /// `<rejected>/<table>/<load_id>-<6 digits>.jsonl`, in the same commit as the rows. Each line is an object with the
    /// load, resource, slice, page, record (counted from 0 within its page), column and reason, and what was discarded as it
    /// came. A run that is killed and run again leaves each line once; the files stay until someone removes them. Default: it
    /// is counted only.
    pub rejected: Option<String>,
    /// What is to be true of the table behind a run. Default: nothing.
    #[serde(default)]
    pub expect: Expect,
    /// Whether the rows go into the table. If false, the resource is read for the resources that depend on it, and only if
    /// any of them is. A run that names the resource writes it all the same. Default: true.
    pub selected: Option<bool>,
    /// Whether slices are read at the same time; `concurrency` says how many. Default: true; false stands for
    /// `concurrency: 1`.
    pub parallelized: Option<bool>,
    /// Requests of the resource that are on their way at the same time, and slices (windows, partitions, parent records)
    /// that are read at the same time. Default: 8.
    #[schemars(range(min = 1))]
    pub concurrency: Option<usize>,
}

/// A field of another resource's record that is copied into each record.
///
/// The short form is the `field` alone.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IncludedField {
    /// The resource whose record holds the field: a parent, or one of its own ancestors. Default: the parent, where there
    /// is only one.
    pub resource: Option<String>,
    /// Where the field lies in that record: keys joined by dots, or a JSONPath, of which the first match counts.
    pub field: String,
    /// Name of the column. Default: `_<resource>_<field>`, the keys of a path joined by `_`.
    pub column: Option<String>,
}

/// A column that divides a table's files into folders.
///
/// The short form is the `column` alone. The columns stay in the files, and a folder says what the column of its name holds
/// there: `__HIVE_DEFAULT_PARTITION__` where that is null, as it also is where a value has gone to a variant column.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartitionField {
    /// Name of the column, `_extracted_at` and `_load_id` included. It holds texts, numbers, booleans, dates or times;
    /// objects and lists have no folders.
    pub column: String,
    /// The part of a timestamp (in UTC) or date that counts; the folder's name is `<column>_<part>`. Default: the whole
    /// value.
    pub part: Option<DatePart>,
}

/// The part of a time that a folder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatePart {
    /// `start_time_year=2024`.
    Year,
    /// `start_time_month=2024-01`.
    Month,
    /// `start_time_day=2024-01-31`.
    Day,
    /// `start_time_hour=2024-01-31-09`; of timestamps alone.
    Hour,
}

impl DatePart {
    /// The name in specs and at the end of folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Hour => "hour",
        }
    }
}

/// Slices of a resource that are read at the same time, unless the spec says otherwise.
pub const DEFAULT_CONCURRENCY: usize = 8;

/// What is known of a column beforehand.
///
/// A value that the declared type doesn't hold exactly is never lost: it goes to a column of its own,
/// `<name>__v_<kind>`, and a warning tells of it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a key of the spec that is there or not"
)]
pub struct Column {
    /// The column's type. Default: found from the values. Numbers get the narrowest type that holds each of them exactly;
    /// texts are timestamps where all of them are RFC 3339 and exact to the microsecond, and dates where all of them are
    /// written as `2024-01-31`. Other spellings stay text, since what they mean is not certain: an offset without its colon
    /// (`+0100`) or none at all, a time without seconds, a leap second (`:60`), more than 6 digits of a fraction.
    /// `timestamp` with a `format` such as `%Y-%m-%dT%H:%M:%S%z`, or with `precision: 9`, reads them.
    ///
    /// A column that is committed keeps its type, also where this is left out later: a text that reads as a `time`, as
    /// `binary` or as a timestamp in nanoseconds goes on to its column.
    pub data_type: Option<DataType>,
    /// How a `timestamp` or `date` is written in the records: a name, a strftime pattern such as `%d.%m.%Y %H:%M`, or a
    /// list of them, of which the first that fits counts. A timestamp in RFC 3339, and a date as `2024-01-31`, are taken
    /// always. Default: no others.
    pub format: CursorFormats,
    /// For `decimal`, the digits in all: 1 to 38, by default 38. For `timestamp`, the digits of a second's fraction that
    /// the column must hold: up to 6 it is exact to the microsecond, as it is by default; 7 to 9 make it exact to the
    /// nanosecond, from 1677 to 2262. For `time`, the same with up to 6 digits. For `text`, `binary` and `bigint` it is
    /// what the values are said to keep to, in characters, bytes, and bits (8, 16, 32 or 64): the column's type is the
    /// same, larger values are kept whole, and a warning tells of them.
    #[schemars(range(min = 0))]
    pub precision: Option<u32>,
    /// Digits behind the point, for `decimal`. Default: 9.
    #[schemars(range(min = 0, max = 38))]
    pub scale: Option<u8>,
    /// What becomes of objects and lists in the column. Default: the resource's `nested`.
    pub nested: Option<Nested>,
    /// Whether a value may be null or missing. Default: true.
    pub nullable: Option<bool>,
    /// Whether the text `""` means that there is no value. Default: false.
    pub empty_as_null: bool,
    /// Kept as the description of the Parquet field.
    pub description: Option<String>,
    /// Whether the column belongs to the `primary_key`, where the resource names none. Default: false.
    pub primary_key: bool,
    /// Whether the column belongs to the `merge_key`, where the resource names none. Default: false.
    pub merge_key: bool,
    /// Whether the column marks records that are deleted: with true where it holds booleans, with any value but null where
    /// it holds others. A `merge` takes the rows with such a record's key away, and doesn't add the record. Default: false.
    pub hard_delete: bool,
    /// Which of the rows with the same `primary_key` in one load counts in a `merge`: the one with the greatest value in
    /// this column (`desc`) or the lowest (`asc`); one without a value only where none has any, and of equal ones the last.
    /// Default: the last one read counts.
    pub dedup_sort: Option<DedupSort>,
}

/// What becomes of objects and lists.
///
/// Without it they become structs and lists, and an object that is used as a map becomes one: where it has more than
/// 1000 keys; where every key is written as a number, a date, a time or a UUID; or where there are 50 keys or more, no
/// object has more than a quarter of them, and all values are of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Nested {
    /// Structs and lists. An object with more than 1000 keys becomes a map all the same.
    Struct,
    /// Objects become maps from text to one type: that of all values together, or their JSON text where they are of
    /// several kinds. Lists stay lists.
    Map,
    /// The canonical JSON text of each object and each list.
    Json,
    /// The fields of objects become columns, `a__b` for `b` in `a`, at any depth; lists become JSON text, and so does an
    /// object with more than 1000 keys. `columns` is about the keys of the record itself: a warning tells of a name there
    /// that is the path of such a field.
    Flatten,
    /// The elements of each list become rows of a table of their own, `<table>__<field>`, and the fields of objects columns,
    /// as with `flatten`. An element that is no object lies in the column `value`; a list in a list is the field `list`.
    /// Rows of such a table join by `_dlt_parent_id` with `_dlt_id` of the table above, and by `_dlt_root_id` with that of
    /// the resource's table; `_dlt_list_idx` is the position in the list.
    Tables,
}

/// A column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DataType {
    /// Text. Numbers and booleans are taken as they are spelled in the JSON.
    Text,
    /// 64-bit floating point. Takes numbers in quotes too, as all types of numbers do.
    Double,
    /// Boolean; also `"true"` and `"false"` in quotes.
    Bool,
    /// An instant in UTC, exact to the microsecond; see `format` and `precision`.
    Timestamp,
    /// Signed 64-bit integer.
    Bigint,
    /// Bytes, written as base64 or, behind `0x`, in hexadecimal.
    Binary,
    /// Any JSON value, as its JSON text.
    Json,
    /// Decimal; see `precision` and `scale`.
    Decimal,
    /// A calendar date; see `format`.
    Date,
    /// A time of day, `23:59:59.123456`, exact to the microsecond.
    Time,
    /// A whole number of up to 38 digits.
    Wei,
}

/// Digits of a `decimal` that names none.
pub const DEFAULT_DECIMAL_PRECISION: u8 = 38;

/// Digits behind the point of a `decimal` that names none.
pub const DEFAULT_DECIMAL_SCALE: u8 = 9;
