"""Joins the tables of `tests/child_tables.rs` with DuckDB, and compares what that gives with the records that were sent.

usage: read_child_tables.py DESTINATION
"""

import pathlib
import sys

import duckdb


def main() -> None:
    destination = pathlib.Path(sys.argv[1])
    connection = duckdb.connect()
    for table in ("orders", "orders__items", "orders__items__parts", "orders__tags"):
        files = destination / table / "*.parquet"
        connection.sql(f"create view {table} as from read_parquet('{files}', union_by_name = true)")

    def equal(query: str, expected: list[tuple]) -> None:
        seen = connection.sql(query).fetchall()
        assert seen == expected, f"{seen} is not {expected}"

    equal(
        """
        select orders.id, list(items.sku order by items._dlt_list_idx) filter (items.sku is not null)
        from orders left join orders__items items on items._dlt_parent_id = orders._dlt_id
        group by all order by all
        """,
        [(1, ["a", "b"]), (2, ["e"]), (3, None)],
    )
    equal(
        """
        select orders.id, items.sku, parts._dlt_list_idx, parts.p
        from orders
        join orders__items items on items._dlt_parent_id = orders._dlt_id
        join orders__items__parts parts on parts._dlt_parent_id = items._dlt_id and parts._dlt_root_id = orders._dlt_id
        order by all
        """,
        [(1, "a", 0, 1), (1, "a", 1, 2), (2, "e", 0, 3)],
    )
    equal("select id, value from orders join orders__tags tags on tags._dlt_parent_id = orders._dlt_id", [(2, "z")])


if __name__ == "__main__":
    main()
