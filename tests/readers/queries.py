"""Runs queries of `engine sql`, and prints the rows that come out, one JSON object a line.

usage: queries.py READER QUERY_FILE
"""

import json
import pathlib
import sys


def main() -> None:
    reader, text = sys.argv[1], pathlib.Path(sys.argv[2]).read_text()
    if reader == "duckdb":
        import duckdb

        relation = duckdb.sql(text)
        columns, types = relation.columns, [str(one) for one in relation.types]
        shown = [name for name in columns if not name.startswith("_")]
        relation = relation.select(*[duckdb.ColumnExpression(name) for name in shown])
        rows = [dict(zip(shown, row)) for row in relation.fetchall()]
    elif reader == "polars":
        names = {}
        exec(text, names)
        frame = names["table"].collect()
        columns, types = frame.columns, [str(one) for one in frame.dtypes]
        rows = frame.to_dicts()
    elif reader == "spark":
        from pyspark.sql import SparkSession

        spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
        names = {"spark": spark}
        exec(text, names)
        frame = names["table"]
        columns, types = frame.columns, [kind for _, kind in frame.dtypes]
        rows = [row.asDict(recursive=True) for row in frame.collect()]
    else:
        raise SystemExit(f"no such reader: {reader}")
    print("columns:", ", ".join(f"{name} {kind}" for name, kind in zip(columns, types)))
    for row in rows:
        shown = {name: value for name, value in row.items() if not name.startswith("_")}
        print(json.dumps(shown, sort_keys=True, default=str))


main()
