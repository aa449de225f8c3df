"""Counts the rows of a table with DuckDB, pyarrow and Polars.

usage: count_rows.py TABLE ROWS
"""

import sys

import duckdb
import polars as pl
import pyarrow.dataset as ds

table, expected = sys.argv[1], int(sys.argv[2])
counts = {
    # The counts of all columns need all pages.
    "duckdb": duckdb.sql(
        f"select count(*), count(columns(*)) from read_parquet('{table}/*.parquet', union_by_name = true)"
    ).fetchall()[0][0],
    "pyarrow": ds.dataset(table).to_table().num_rows,
    "polars": len(pl.read_parquet(f"{table}/*.parquet")),
}
assert set(counts.values()) == {expected}, (counts, expected)
