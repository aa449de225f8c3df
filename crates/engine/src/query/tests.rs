use std::sync::Arc;

use arrow::datatypes::{Field, Schema, TimeUnit};

use super::*;

fn schema(columns: &[(&str, DataType)]) -> SchemaRef {
    let field = |(name, data_type): &(&str, DataType)| Field::new(*name, data_type.clone(), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

fn table(root: &str, now: &SchemaRef, files: &[(&str, &SchemaRef)]) -> TableFiles {
    let folder = format!("{root}/people");
    let file = |(path, schema): &(&str, &SchemaRef)| QueriedFile {
        location: format!("{folder}/{path}"),
        schema: Arc::clone(schema),
    };
    TableFiles {
        table: "people".to_owned(),
        schema: Arc::clone(now),
        files: files.iter().map(file).collect(),
        folder,
    }
}

/// The newer schema has a wider number and one more column.
fn two_schemas() -> [SchemaRef; 2] {
    [
        schema(&[("na\"me`'", DataType::Utf8), ("n", DataType::Int64)]),
        schema(&[
            ("na\"me`'", DataType::Utf8),
            ("n", DataType::Float64),
            ("new", DataType::Date32),
        ]),
    ]
}

#[test]
fn duckdb_gets_names_paths_and_types_quoted() {
    let [old, now] = two_schemas();
    let table = table("/da'ta [1]/*", &now, &[("a.parquet", &old)]);
    let text = query(Reader::DuckDb, &table).unwrap();
    insta::assert_snapshot!(text, @r#"
    SELECT
      "na""me`'",
      CAST("n" AS DOUBLE) AS "n",
      CAST(NULL AS DATE) AS "new"
    FROM read_parquet([
        '/da''ta [[]1]/[*]/people/a.parquet'
      ], union_by_name = true, hive_partitioning = false)
    "#);
}

#[test]
fn duckdb_skips_folders_whose_values_are_exact() {
    let now = schema(&[("ch", DataType::Utf8), ("f", DataType::Float64)]);
    let folders = |paths: &[&str]| {
        let files: Vec<_> = paths.iter().map(|path| (*path, &now)).collect();
        let text = query(Reader::DuckDb, &table("/d", &now, &files)).unwrap();
        text.rsplit_once("union_by_name = true, ")
            .unwrap()
            .1
            .to_owned()
    };
    let by_channel_and_day = folders(&[
        "ch=05/t_day=2024-01-31/a.parquet",
        "ch=a%2Fb/t_day=x/b.parquet",
    ]);
    assert_eq!(
        by_channel_and_day,
        "hive_partitioning = true, hive_types = {'ch': VARCHAR, 't_day': VARCHAR})"
    );
    // One file lies elsewhere, a fraction has several spellings, a key is escaped.
    for paths in [
        &["ch=05/a.parquet", "b.parquet"][..],
        &["f=1.5/a.parquet"],
        &["c%3D=1/a.parquet"],
    ] {
        assert_eq!(folders(paths), "hive_partitioning = false)", "{paths:?}");
    }
}

#[test]
fn polars_and_spark_get_python() {
    let [old, now] = two_schemas();
    let table = table("/d", &now, &[("a.parquet", &old), ("[b].parquet", &now)]);
    insta::assert_snapshot!(query(Reader::Polars, &table).unwrap(), @r#"
    import polars as pl

    files = [
        "/d/people/a.parquet",
        "/d/people/[b].parquet",
    ]
    now = pl.LazyFrame(
        schema={
            "na\"me`'": pl.String,
            "n": pl.Float64,
            "new": pl.Date,
        }
    )
    scans = [pl.scan_parquet(file, glob=False, hive_partitioning=False) for file in files]
    table = pl.concat([now, *scans], how="diagonal_relaxed").select(
        pl.col("na\"me`'"),
        pl.col("n").cast(pl.Float64),
        pl.col("new"),
    )
    "#);
    insta::assert_snapshot!(query(Reader::Spark, &table).unwrap(), @r#"
    from pyspark.sql import functions as F

    table = spark.createDataFrame([], "`na\"me``'` STRING, `n` DOUBLE, `new` DATE")
    table = table.unionByName(
        spark.read.schema("`na\"me``'` STRING, `n` BIGINT").parquet(*[
            "/d/people/a.parquet",
        ])
        .withColumn("n", F.col("`n`").cast("DOUBLE")),
        allowMissingColumns=True,
    )
    table = table.unionByName(
        spark.read.schema("`na\"me``'` STRING, `n` DOUBLE, `new` DATE").parquet(*[
            "/d/people/\\[b\\].parquet",
        ]),
        allowMissingColumns=True,
    )
    "#);
}

#[test]
fn athena_and_bigquery_get_statements_for_their_own_stores() {
    let [_, now] = two_schemas();
    let on_s3 = table("s3://b/p", &now, &[("a.parquet", &now)]);
    insta::assert_snapshot!(query(Reader::Athena, &on_s3).unwrap(), @r#"
    DROP TABLE IF EXISTS `people_files`;

    CREATE EXTERNAL TABLE `people_files` (
      `na"me``'` string,
      `n` double,
      `new` date
    )
    STORED AS PARQUET
    LOCATION 's3://b/p/people/';

    CREATE OR REPLACE VIEW "people" AS
    SELECT
      "na""me`'",
      "n",
      "new"
    FROM "people_files"
    WHERE "$path" IN (
      's3://b/p/people/a.parquet'
    );
    "#);
    let on_gs = table("gs://b/p", &now, &[("a'.parquet", &now)]);
    insta::assert_snapshot!(query(Reader::BigQuery, &on_gs).unwrap(), @r"
    CREATE OR REPLACE EXTERNAL TABLE `people`
    OPTIONS (
      format = 'PARQUET',
      enable_list_inference = true,
      reference_file_schema_uri = 'gs://b/p/people/a\'.parquet',
      uris = [
        'gs://b/p/people/a\'.parquet'
      ]
    );
    ");
    for (reader, table) in [(Reader::Athena, &on_gs), (Reader::BigQuery, &on_s3)] {
        let error = query(reader, table).unwrap_err();
        assert!(matches!(error, QueryError::Elsewhere { .. }), "{error}");
    }
}

#[test]
fn what_a_reader_does_not_convert_is_refused() {
    let [old, now] = two_schemas();
    let mixed = table("s3://b", &now, &[("a.parquet", &old), ("b.parquet", &now)]);
    assert_eq!(
        query(Reader::Athena, &mixed).unwrap_err().to_string(),
        "write a query for Athena: some files hold `n` with the type that it had earlier, which Athena doesn't convert; \
         `engine compact` brings all files to the current schema"
    );
    let unsigned = schema(&[("u", DataType::UInt64)]);
    let unsigned = table("s3://b", &unsigned, &[]);
    let error = query(Reader::Athena, &unsigned).unwrap_err();
    assert!(matches!(error, QueryError::NoType { .. }), "{error}");
}

#[test]
fn a_table_without_files_is_a_relation_with_its_columns() {
    let [_, now] = two_schemas();
    let empty = |root: &str, reader| query(reader, &table(root, &now, &[])).unwrap();
    insta::assert_snapshot!(empty("/d", Reader::DuckDb), @r#"
    SELECT
      CAST(NULL AS VARCHAR) AS "na""me`'",
      CAST(NULL AS DOUBLE) AS "n",
      CAST(NULL AS DATE) AS "new"
    WHERE false
    "#);
    insta::assert_snapshot!(empty("/d", Reader::Polars), @r#"
    import polars as pl

    table = pl.LazyFrame(
        schema={
            "na\"me`'": pl.String,
            "n": pl.Float64,
            "new": pl.Date,
        }
    )
    "#);
    insta::assert_snapshot!(empty("/d", Reader::Spark), @r#"table = spark.createDataFrame([], "`na\"me``'` STRING, `n` DOUBLE, `new` DATE")"#);
    insta::assert_snapshot!(empty("gs://d", Reader::BigQuery), @r#"
    CREATE OR REPLACE VIEW `people` AS
    SELECT * FROM (
      SELECT
        CAST(NULL AS STRING) AS `na"me\`'`,
        CAST(NULL AS FLOAT64) AS `n`,
        CAST(NULL AS DATE) AS `new`
    )
    WHERE FALSE;
    "#);
    assert!(empty("s3://d", Reader::Athena).ends_with("WHERE false;"));
}

/// A column of each type, an odd name among them, and one with a description.
fn of_all_types() -> Schema {
    let list = |inner| DataType::List(Arc::new(Field::new_list_field(inner, true)));
    let keys = vec![
        Field::new("a b", DataType::Utf8, true),
        Field::new("n", DataType::Float64, true),
    ];
    let object = DataType::Struct(keys.into());
    let entries = vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Int64, true),
    ];
    let entries = Field::new("key_value", DataType::Struct(entries.into()), false);
    let id = Field::new("id", DataType::Int64, false);
    let text = "the seller's \\ \"id\"\nin two lines".to_owned();
    let mut fields = vec![id.with_metadata([("description".to_owned(), text)].into())];
    let utc = Some("UTC".into());
    for (name, data_type) in [
        ("odd`\"name", DataType::Boolean),
        ("unsigned", DataType::UInt64),
        ("exact", DataType::Decimal128(38, 2)),
        ("at", DataType::Timestamp(TimeUnit::Microsecond, utc)),
        ("day", DataType::Date32),
        ("bytes", DataType::Binary),
        ("object", object.clone()),
        ("objects", list(object)),
        ("tags", list(DataType::Utf8)),
        ("map", DataType::Map(Arc::new(entries), false)),
    ] {
        fields.push(Field::new(name, data_type, true));
    }
    Schema::new(fields)
}

fn ddl(database: Database) -> String {
    create_table(database, "or`der\"s", &of_all_types()).unwrap()
}

#[test]
fn each_database_gets_nested_columns_as_it_can_have_them() {
    insta::assert_snapshot!(ddl(Database::DuckDb), @r#"
    CREATE TABLE "or`der""s" (
      "id" BIGINT NOT NULL,
      "odd`""name" BOOLEAN,
      "unsigned" UBIGINT,
      "exact" DECIMAL(38, 2),
      "at" TIMESTAMPTZ,
      "day" DATE,
      "bytes" BLOB,
      "object" STRUCT("a b" VARCHAR, "n" DOUBLE),
      "objects" STRUCT("a b" VARCHAR, "n" DOUBLE)[],
      "tags" VARCHAR[],
      "map" MAP(VARCHAR, BIGINT)
    );
    COMMENT ON COLUMN "or`der""s"."id" IS 'the seller''s \ "id"
    in two lines';
    "#);
    insta::assert_snapshot!(ddl(Database::Spark), @r#"
    CREATE TABLE `or``der"s` (
      `id` BIGINT NOT NULL COMMENT 'the seller\'s \\ "id"
    in two lines',
      `odd``"name` BOOLEAN,
      `unsigned` DECIMAL(20, 0),
      `exact` DECIMAL(38, 2),
      `at` TIMESTAMP,
      `day` DATE,
      `bytes` BINARY,
      `object` STRUCT<`a b`: STRING, `n`: DOUBLE>,
      `objects` ARRAY<STRUCT<`a b`: STRING, `n`: DOUBLE>>,
      `tags` ARRAY<STRING>,
      `map` MAP<STRING, BIGINT>
    );
    "#);
    insta::assert_snapshot!(ddl(Database::BigQuery), @r#"
    CREATE TABLE `or\`der"s` (
      `id` INT64 NOT NULL OPTIONS (description = 'the seller\'s \\ "id" in two lines'),
      `odd\`"name` BOOL,
      `unsigned` BIGNUMERIC,
      `exact` BIGNUMERIC,
      `at` TIMESTAMP,
      `day` DATE,
      `bytes` BYTES,
      `object` STRUCT<`a b` STRING, `n` FLOAT64>,
      `objects` ARRAY<STRUCT<`a b` STRING, `n` FLOAT64>>,
      `tags` ARRAY<STRING>,
      `map` ARRAY<STRUCT<`key` STRING, `value` INT64>>
    );
    "#);
    insta::assert_snapshot!(ddl(Database::Snowflake), @r#"
    CREATE TABLE "or`der""s" (
      "id" NUMBER(19, 0) NOT NULL COMMENT 'the seller''s \\ "id"
    in two lines',
      "odd`""name" BOOLEAN,
      "unsigned" NUMBER(20, 0),
      "exact" NUMBER(38, 2),
      "at" TIMESTAMP_TZ(6),
      "day" DATE,
      "bytes" BINARY,
      "object" OBJECT("a b" VARCHAR, "n" FLOAT),
      "objects" ARRAY(OBJECT("a b" VARCHAR, "n" FLOAT)),
      "tags" ARRAY(VARCHAR),
      "map" MAP(VARCHAR, NUMBER(19, 0))
    );
    "#);
    insta::assert_snapshot!(ddl(Database::Postgres), @r#"
    CREATE TABLE "or`der""s" (
      "id" bigint NOT NULL,
      "odd`""name" boolean,
      "unsigned" numeric(20, 0),
      "exact" numeric(38, 2),
      "at" timestamptz,
      "day" date,
      "bytes" bytea,
      "object" jsonb,
      "objects" jsonb,
      "tags" jsonb,
      "map" jsonb
    );
    COMMENT ON COLUMN "or`der""s"."id" IS 'the seller''s \ "id"
    in two lines';
    "#);
}

#[test]
fn a_type_that_a_database_lacks_is_refused_with_its_column() {
    let time = schema(&[("t", DataType::Time64(TimeUnit::Microsecond))]);
    let error = create_table(Database::Spark, "t", &time).unwrap_err();
    assert_eq!(
        error.to_string(),
        "write SQL for Spark: it has no type for the column `t`, which is Time64(\u{b5}s)"
    );
}
