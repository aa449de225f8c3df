//! The names that types have for each reader: here alone, for queries and for definitions of tables.

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use super::{QueryError, python_text, quoted};

/// How one reader names the types of columns. A type without a name is one that the reader doesn't have.
pub(super) struct Dialect {
    pub(super) name: &'static str,
    boolean: &'static str,
    int64: &'static str,
    uint64: Option<&'static str>,
    float64: &'static str,
    /// Before precision and scale in brackets.
    decimal: Decimal,
    text: &'static str,
    timestamp: &'static str,
    timestamp_nanoseconds: Option<&'static str>,
    date: &'static str,
    time: Option<&'static str>,
    binary: &'static str,
    nested: Nested,
    /// A name between quotes.
    pub(super) identifier: fn(&str) -> String,
}

/// How a decimal is named.
enum Decimal {
    /// With precision and scale behind the name.
    Exact(&'static str),
    /// One type takes all of them.
    Any(&'static str),
}

/// How lists, objects and maps are named.
enum Nested {
    /// By functions of what lies in them.
    Typed {
        list: fn(&str) -> String,
        /// Of the name and the type of one key.
        key: fn(&str, &str) -> String,
        /// Of all keys.
        object: fn(&str) -> String,
        map: fn(&str, &str) -> String,
    },
    /// One type takes all of them.
    Untyped(&'static str),
}

pub(super) const DUCKDB: Dialect = Dialect {
    name: "DuckDB",
    boolean: "BOOLEAN",
    int64: "BIGINT",
    uint64: Some("UBIGINT"),
    float64: "DOUBLE",
    decimal: Decimal::Exact("DECIMAL"),
    text: "VARCHAR",
    timestamp: "TIMESTAMPTZ",
    timestamp_nanoseconds: Some("TIMESTAMP_NS"),
    date: "DATE",
    time: Some("TIME"),
    binary: "BLOB",
    nested: Nested::Typed {
        list: |element| format!("{element}[]"),
        key: |name, data_type| format!("{} {data_type}", quoted(name, '"')),
        object: |keys| format!("STRUCT({keys})"),
        map: |key, value| format!("MAP({key}, {value})"),
    },
    identifier: |name| quoted(name, '"'),
};

pub(super) const SPARK: Dialect = Dialect {
    name: "Spark",
    boolean: "BOOLEAN",
    int64: "BIGINT",
    uint64: Some("DECIMAL(20, 0)"),
    float64: "DOUBLE",
    decimal: Decimal::Exact("DECIMAL"),
    text: "STRING",
    timestamp: "TIMESTAMP",
    timestamp_nanoseconds: None,
    date: "DATE",
    time: None,
    binary: "BINARY",
    nested: Nested::Typed {
        list: |element| format!("ARRAY<{element}>"),
        key: |name, data_type| format!("{}: {data_type}", quoted(name, '`')),
        object: |keys| format!("STRUCT<{keys}>"),
        map: |key, value| format!("MAP<{key}, {value}>"),
    },
    identifier: |name| quoted(name, '`'),
};

pub(super) const ATHENA: Dialect = Dialect {
    name: "Athena",
    boolean: "boolean",
    int64: "bigint",
    uint64: None,
    float64: "double",
    decimal: Decimal::Exact("decimal"),
    text: "string",
    timestamp: "timestamp",
    timestamp_nanoseconds: None,
    date: "date",
    time: None,
    binary: "binary",
    nested: Nested::Typed {
        list: |element| format!("array<{element}>"),
        key: |name, data_type| format!("{}: {data_type}", quoted(name, '`')),
        object: |keys| format!("struct<{keys}>"),
        map: |key, value| format!("map<{key}, {value}>"),
    },
    identifier: |name| quoted(name, '`'),
};

pub(super) const BIGQUERY: Dialect = Dialect {
    name: "BigQuery",
    boolean: "BOOL",
    int64: "INT64",
    uint64: Some("BIGNUMERIC"),
    float64: "FLOAT64",
    decimal: Decimal::Any("BIGNUMERIC"),
    text: "STRING",
    timestamp: "TIMESTAMP",
    timestamp_nanoseconds: Some("TIMESTAMP"),
    date: "DATE",
    time: Some("TIME"),
    binary: "BYTES",
    nested: Nested::Typed {
        list: |element| format!("ARRAY<{element}>"),
        key: |name, data_type| format!("{} {data_type}", backslashed(name, '`')),
        object: |keys| format!("STRUCT<{keys}>"),
        map: |key, value| format!("ARRAY<STRUCT<`key` {key}, `value` {value}>>"),
    },
    identifier: |name| backslashed(name, '`'),
};

pub(super) const SNOWFLAKE: Dialect = Dialect {
    name: "Snowflake",
    boolean: "BOOLEAN",
    int64: "NUMBER(19, 0)",
    uint64: Some("NUMBER(20, 0)"),
    float64: "FLOAT",
    decimal: Decimal::Exact("NUMBER"),
    text: "VARCHAR",
    timestamp: "TIMESTAMP_TZ(6)",
    timestamp_nanoseconds: Some("TIMESTAMP_TZ(9)"),
    date: "DATE",
    time: Some("TIME(6)"),
    binary: "BINARY",
    nested: Nested::Typed {
        list: |element| format!("ARRAY({element})"),
        key: |name, data_type| format!("{} {data_type}", quoted(name, '"')),
        object: |keys| format!("OBJECT({keys})"),
        map: |key, value| format!("MAP({key}, {value})"),
    },
    identifier: |name| quoted(name, '"'),
};

pub(super) const POSTGRES: Dialect = Dialect {
    name: "Postgres",
    boolean: "boolean",
    int64: "bigint",
    uint64: Some("numeric(20, 0)"),
    float64: "double precision",
    decimal: Decimal::Exact("numeric"),
    text: "text",
    timestamp: "timestamptz",
    timestamp_nanoseconds: None,
    date: "date",
    time: Some("time"),
    binary: "bytea",
    nested: Nested::Untyped("jsonb"),
    identifier: |name| quoted(name, '"'),
};

pub(super) const POLARS: Dialect = Dialect {
    name: "Polars",
    boolean: "pl.Boolean",
    int64: "pl.Int64",
    uint64: Some("pl.UInt64"),
    float64: "pl.Float64",
    decimal: Decimal::Exact("pl.Decimal"),
    text: "pl.String",
    timestamp: "pl.Datetime(\"us\", \"UTC\")",
    timestamp_nanoseconds: Some("pl.Datetime(\"ns\", \"UTC\")"),
    date: "pl.Date",
    time: Some("pl.Time"),
    binary: "pl.Binary",
    nested: Nested::Typed {
        list: |element| format!("pl.List({element})"),
        key: |name, data_type| format!("{}: {data_type}", python_text(name)),
        object: |keys| format!("pl.Struct({{{keys}}})"),
        // A map is a list of its entries.
        map: |key, value| format!("pl.List(pl.Struct({{\"key\": {key}, \"value\": {value}}}))"),
    },
    identifier: python_text,
};

impl Dialect {
    /// The name of a column's type.
    ///
    /// # Errors
    /// The reader has no such type.
    pub(super) fn type_name(
        &self,
        column: &str,
        data_type: &DataType,
    ) -> Result<String, QueryError> {
        let no_type = || QueryError::NoType {
            reader: self.name,
            column: column.to_owned(),
            data_type: data_type.to_string(),
        };
        let name = match data_type {
            DataType::Boolean => Some(self.boolean),
            DataType::Int64 => Some(self.int64),
            DataType::UInt64 => self.uint64,
            DataType::Float64 => Some(self.float64),
            DataType::Utf8 => Some(self.text),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Some(self.timestamp),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => self.timestamp_nanoseconds,
            DataType::Date32 => Some(self.date),
            DataType::Time64(_) => self.time,
            DataType::Binary => Some(self.binary),
            DataType::Decimal128(precision, scale) => {
                return Ok(match self.decimal {
                    Decimal::Exact(name) => format!("{name}({precision}, {scale})"),
                    Decimal::Any(name) => name.to_owned(),
                });
            }
            nested => return self.nested_name(column, nested)?.ok_or_else(no_type),
        };
        name.map(str::to_owned).ok_or_else(no_type)
    }

    /// `None` where a type is no nested one.
    fn nested_name(
        &self,
        column: &str,
        data_type: &DataType,
    ) -> Result<Option<String>, QueryError> {
        let Nested::Typed {
            list,
            key,
            object,
            map,
        } = &self.nested
        else {
            let Nested::Untyped(name) = self.nested else {
                return Ok(None);
            };
            return Ok(data_type.is_nested().then(|| name.to_owned()));
        };
        let inner = |field: &Field| self.type_name(column, field.data_type());
        Ok(Some(match data_type {
            DataType::List(element) => list(&inner(element)?),
            DataType::Struct(fields) => {
                let keys = fields.iter();
                let keys = keys.map(|field| Ok(key(field.name(), &inner(field)?)));
                let keys: Vec<String> = keys.collect::<Result<_, _>>()?;
                object(&keys.join(", "))
            }
            DataType::Map(entries, _) => match key_and_value(entries.data_type()) {
                Some((key, value)) => map(&inner(key)?, &inner(value)?),
                None => return Ok(None),
            },
            _ => return Ok(None),
        }))
    }

    /// The columns with their types, each as `render` puts it together of name and type.
    ///
    /// # Errors
    /// The reader has no type for one of them.
    pub(super) fn columns(
        &self,
        fields: &Fields,
        render: impl Fn(&str, &str) -> String,
    ) -> Result<Vec<String>, QueryError> {
        let column = |field: &std::sync::Arc<Field>| {
            let type_name = self.type_name(field.name(), field.data_type())?;
            Ok(render(&(self.identifier)(field.name()), &type_name))
        };
        fields.iter().map(column).collect()
    }
}

fn key_and_value(entries: &DataType) -> Option<(&Field, &Field)> {
    match entries {
        DataType::Struct(fields) => match &**fields {
            [key, value] => Some((key, value)),
            _ => None,
        },
        _ => None,
    }
}

/// Text between quotes, each quote and backslash in it behind a backslash.
pub(super) fn backslashed(text: &str, quote: char) -> String {
    let escaped = text.replace('\\', r"\\");
    format!(
        "{quote}{}{quote}",
        escaped.replace(quote, &format!("\\{quote}"))
    )
}
