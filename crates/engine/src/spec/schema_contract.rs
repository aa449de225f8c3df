//! `schema_contract`: what a load may change of a table's schema.

use schemars::JsonSchema;
use serde::Deserialize;

/// What a load may change of a table's schema, and what becomes of records that would change more.
///
/// The short form is one mode for all three: `schema_contract: freeze`.
///
/// Records are held, as the `processing_steps` leave them, against what the table already has and what `columns` declares.
/// The `primary_key`, the cursor and the columns of `include_from_parent` count as declared, whatever their type. A null, `{}`
/// or `[]` needs no column, and breaks nothing. Keys within objects, and within the objects of lists, are judged like
/// columns: what is left out is no more than the key that breaks the contract. A list with an element that doesn't fit is
/// one value that doesn't. A new key of a map is no new column, and one whose value doesn't fit the map's type is left out.
/// What is kept as JSON text is not looked into.
///
/// In a table's first load the columns are those that `columns` declares; where it declares none, those that the load
/// brings. Where no type is declared or committed, the load says which it is: `data_type: freeze` fails where the values
/// are of several kinds, and the other modes keep each kind in a column of its own with a warning, since nothing says
/// which of them is wrong.
///
/// A resource that breaks a frozen contract fails: nothing of it is committed, and its cursor stays where it was. What is
/// discarded is counted in the report of the load and told at its end, and `rejected` keeps it. The cursor moves behind
/// discarded records, and other resources are asked for what depends on them as on any record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SchemaContract {
    /// Loads into a table that isn't there yet. `freeze` fails before the first request; `discard_row` and `discard_value`
    /// discard every record and create no table, and the cursor stays where it was. Default: `evolve`.
    pub tables: ContractMode,
    /// Columns that the table hasn't, and keys that its objects haven't. Default: `evolve`.
    pub columns: ContractMode,
    /// Values that don't fit the type of their column exactly, as it was committed or declared: by `evolve` the column's
    /// type is widened where that is exact for each committed value, and else the value gets a column of its own. A value that
    /// can't be missing, since it belongs to the `primary_key` or to a column with `nullable: false`, takes its whole record
    /// along where it is discarded. Default: `evolve`.
    pub data_type: ContractMode,
}

/// What becomes of what a schema contract is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractMode {
    /// It is taken in: the schema follows the data.
    #[default]
    Evolve,
    /// The resource fails at the first one.
    Freeze,
    /// The whole record is left out.
    DiscardRow,
    /// The key or value is left out of its record.
    DiscardValue,
}
