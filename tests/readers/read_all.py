"""Reads every table of a destination with DuckDB and with pyarrow, and compares what they see.

usage: read_all.py DESTINATION COLLECTION=ROWS ...
"""

import pathlib
import sys

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

# Tables that hold a whole collection of the fixture under another name.
COLLECTION_OF = {"person": "people", "assist_conversations": "conversations", "adherence": "adherence_metrics"}


def main() -> None:
    destination = pathlib.Path(sys.argv[1])
    expected = dict(argument.split("=") for argument in sys.argv[2:])
    tables = sorted(p.name for p in destination.iterdir() if p.is_dir() and not p.name.startswith("_"))
    assert len(tables) == 18, tables
    for table in tables:
        files = sorted((destination / table).glob("*.parquet"))
        assert files, table
        pattern = str(destination / table / "*.parquet")
        relation = duckdb.sql(f"select * from read_parquet('{pattern}', union_by_name = true)")
        rows = relation.aggregate("count(*)").fetchall()[0][0]

        schemas = [pq.read_schema(file) for file in files]
        unified = pa.unify_schemas(schemas, promote_options="permissive")
        dataset = ds.dataset([str(file) for file in files], schema=unified)
        seen = dataset.to_table()
        assert seen.num_rows == rows, (table, seen.num_rows, rows)
        assert sorted(relation.columns) == sorted(seen.column_names), table

        count = expected.get(COLLECTION_OF.get(table, table))
        if count is not None:
            assert rows == int(count), (table, rows, count)

        for file in files:
            metadata = pq.ParquetFile(file).metadata
            for group in range(metadata.num_row_groups):
                column = metadata.row_group(group).column(0)
                assert column.compression == "ZSTD", (file, column.compression)
                assert column.statistics is not None, file
    states = str(destination / "agent_states" / "*.parquet")
    kinds = dict(duckdb.sql(f"select column_name, column_type from (describe select * from '{states}')").fetchall())
    assert kinds["start_time"] == "TIMESTAMP WITH TIME ZONE", kinds
    print(f"{len(tables)} tables read")


if __name__ == "__main__":
    main()
