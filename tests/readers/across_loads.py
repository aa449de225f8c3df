"""Reads tables whose schema changed from load to load with DuckDB, pyarrow and Polars, and says what each makes of it.

usage: across_loads.py DESTINATION CHANGES

CHANGES is a JSON file: for each table the records of each load under `loads`, and what must come out under `rows` where
that is something else. Prints a table in Markdown, and what a reader said where it refused on stderr.
"""

import datetime
import decimal
import json
import os
import pathlib
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq


def is_entry(value: object) -> bool:
    """Whether this is one of the entries that a map is a list of: Arrow has tuples for them, and Polars structs."""
    return isinstance(value, tuple) or isinstance(value, dict) and list(value) == ["key", "value"]


def text(value: object) -> object:
    """The value as JSON would have it, with exact numbers as text and times in UTC."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, dict):
        members = {key: text(member) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not None}
    if isinstance(value, list) and value and all(map(is_entry, value)):
        return text(dict(tuple(entry.values()) if isinstance(entry, dict) else entry for entry in value))
    if isinstance(value, (list, tuple)):
        return [text(element) for element in value]
    if isinstance(value, (int, float, decimal.Decimal)):
        return format(decimal.Decimal(repr(value) if isinstance(value, float) else value).normalize(), "f")
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def rows(records: list[dict]) -> list[str]:
    kept = [text({key: value for key, value in record.items() if not key.startswith("_")}) for record in records]
    return sorted(json.dumps(record, sort_keys=True) for record in kept)


def duckdb_default(files: list[str]) -> list[dict]:
    return duckdb.sql(f"select * from read_parquet({files!r})").to_arrow_table().to_pylist()


def duckdb_by_name(files: list[str]) -> list[dict]:
    return duckdb.sql(f"select * from read_parquet({files!r}, union_by_name = true)").to_arrow_table().to_pylist()


def pyarrow_default(files: list[str]) -> list[dict]:
    return ds.dataset(files).to_table().to_pylist()


def pyarrow_unified(promote: str):
    def read(files: list[str]) -> list[dict]:
        unified = pa.unify_schemas([pq.read_schema(file) for file in files], promote_options=promote)
        return ds.dataset(files, schema=unified).to_table().to_pylist()

    return read


def pyarrow_concat(files: list[str]) -> list[dict]:
    tables = [pq.read_table(file) for file in files]
    return pa.concat_tables(tables, promote_options="permissive").to_pylist()


def polars_default(files: list[str]) -> list[dict]:
    return pl.scan_parquet(files).collect().to_dicts()


def polars_options(files: list[str]) -> list[dict]:
    newest_first = files[::-1]
    casts = pl.ScanCastOptions(
        integer_cast=["upcast", "allow-float"],
        float_cast="upcast",
        missing_struct_fields="insert",
        extra_struct_fields="ignore",
    )
    scan = pl.scan_parquet(newest_first, missing_columns="insert", extra_columns="ignore", cast_options=casts)
    return scan.collect().to_dicts()


def polars_concat(files: list[str]) -> list[dict]:
    return pl.concat([pl.scan_parquet(file) for file in files], how="diagonal_relaxed").collect().to_dicts()


# The names stand in docs/readers.md, which says what each does.
READERS = {
    "DuckDB": duckdb_default,
    "DuckDB by name": duckdb_by_name,
    "pyarrow": pyarrow_default,
    "pyarrow unified": pyarrow_unified("permissive"),
    "pyarrow concat": pyarrow_concat,
    "Polars": polars_default,
    "Polars options": polars_options,
    "Polars concat": polars_concat,
}


def outcome(read, files: list[str], wanted: list[str]) -> str:
    try:
        found = rows(read(files))
    except Exception as error:  # What the reader refuses is what is told.
        print(f"{files[0]}: {type(error).__name__}: {error}", file=sys.stderr)
        return "refuses"
    if found == wanted:
        return "all"
    print(f"{files[0]}: {found} where {wanted} was expected", file=sys.stderr)
    return "**loses**"


def main() -> None:
    destination = pathlib.Path(sys.argv[1])
    changes = json.loads(pathlib.Path(sys.argv[2]).read_text(), parse_float=decimal.Decimal)
    print("| from one load to the next | " + " | ".join(READERS) + " |")
    print("|---|" + "---|" * len(READERS))
    for name, change in sorted(changes.items()):
        # The oldest first, as their names sort unless two loads fall into one second.
        files = sorted(map(str, (destination / name).glob("*.parquet")), key=lambda file: os.stat(file).st_mtime_ns)
        assert len(files) == len(change["loads"]), (name, files)
        wanted = rows(change.get("rows", sum(change["loads"], [])))
        outcomes = [outcome(read, files, wanted) for read in READERS.values()]
        print("| " + name.replace("_", " ") + " | " + " | ".join(outcomes) + " |")


if __name__ == "__main__":
    main()
