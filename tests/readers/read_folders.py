"""Reads a table that is divided into folders with DuckDB, pyarrow and Polars, as docs/partitions.md says.

usage: read_folders.py TABLE
"""

import datetime as dt
import pathlib
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

table = sys.argv[1]
files = [str(path) for path in sorted(pathlib.Path(table).rglob("*.parquet"))]
COLUMNS = ["id", "channel", "size"]
EXPECTED = [
    (1, "phone", 5.0),
    (2, "chat: eu/west", 5.0),
    (3, None, 7.0),
    (4, "phone", 7.5),
    (5, "", 9.0),
]


def check(reader, rows, columns=()):
    assert sorted(rows) == EXPECTED, (reader, sorted(rows))
    for column in columns:
        assert column in {"start_time_day"}, (reader, column)


pattern = f"{table}/**/*.parquet"
names = ", ".join(COLUMNS)
options = "union_by_name = true, hive_partitioning = true, hive_types = {'channel': varchar, 'size': double}"
from_folders = duckdb.sql(f"select {names}, start_time_day from read_parquet('{pattern}', {options})")
check("duckdb with types", [row[:3] for row in from_folders.fetchall()])
assert str(from_folders.types[3]) == "DATE", from_folders.types
from_files = duckdb.sql(f"select {names} from read_parquet('{pattern}', union_by_name = true, hive_partitioning = false)")
check("duckdb from files", from_files.fetchall())
pruned = duckdb.sql(f"select id from read_parquet('{pattern}', {options}) where start_time_day = date '2024-02-03'")
assert sorted(pruned.fetchall()) == [(4,), (5,)], pruned.fetchall()

schema = pa.unify_schemas([pq.read_schema(file) for file in files], promote_options="permissive")
plain = ds.dataset(table, schema=schema).to_table(columns=COLUMNS)
check("pyarrow from files", [tuple(row.values()) for row in plain.to_pylist()])
folders = ds.partitioning(
    pa.schema([schema.field("channel"), schema.field("size"), ("start_time_day", pa.date32())]), flavor="hive"
)
known = ds.dataset(table, schema=schema.append(pa.field("start_time_day", pa.date32())), partitioning=folders)
day = known.to_table(filter=ds.field("start_time_day") == dt.date(2024, 2, 3), columns=COLUMNS)
assert sorted(day["id"].to_pylist()) == [4, 5], day
check("pyarrow by folders", [tuple(row.values()) for row in known.to_table(columns=COLUMNS).to_pylist()])
try:
    pq.read_table(table)
    raise AssertionError("docs/partitions.md says that read_table needs partitioning=None")
except pa.ArrowTypeError:
    pass

frames = [pl.scan_parquet(file, hive_partitioning=False) for file in files]
check("polars concat", pl.concat(frames, how="diagonal_relaxed").select(COLUMNS).collect().rows())
newest_first = sorted(files, key=lambda file: pl.read_parquet_schema(file)["size"] != pl.Float64)
cast = pl.ScanCastOptions(integer_cast=["upcast", "allow-float"])
by_folders = pl.scan_parquet(newest_first, hive_partitioning=True, cast_options=cast)
check("polars by folders", by_folders.select(COLUMNS).collect().rows())
assert by_folders.collect_schema()["start_time_day"] == pl.Date, by_folders.collect_schema()
