"""Reads the tables of `tests/nested.rs` with DuckDB and with pyarrow, and compares what they see with what was sent.

usage: read_nested.py DESTINATION
"""

import datetime
import decimal
import pathlib
import sys

import duckdb
import pyarrow.parquet as pq


RECORDS_AS_MAPS = {
    1: ({"2024-01-01": 1.5, "2024-01-02": 2.0}, {"address": '{"city":"Ulm"}', "name": '"Ann"'}),
    2: ({"latest": 3.0}, {"address": '{"city":"Bonn","zip":53111}', "name": '"Ben"'}),
    3: (None, {"name": "7"}),
}


def main() -> None:
    destination = pathlib.Path(sys.argv[1])

    def select(table: str, columns: str) -> list[tuple]:
        files = destination / table / "*.parquet"
        source = f"read_parquet('{files}', union_by_name = true)"
        return duckdb.sql(f"select distinct {columns} from {source} order by id").fetchall()

    def fields(table: str) -> dict:
        schemas = [pq.read_schema(file) for file in sorted((destination / table).glob("*.parquet"))]
        return {field.name: field for schema in schemas for field in schema}

    def equal(seen, expected) -> None:
        assert seen == expected, f"{seen} is not {expected}"

    # Objects whose keys are dates are maps; a later one whose values are of another type gets a variant.
    prices = {id: prices for id, (prices, _) in RECORDS_AS_MAPS.items()}
    equal(dict(select("inferred", "id, prices")), prices)
    equal(select("inferred", "id, prices__v_object['2024-01-03']")[2], (3, '"n/a"'))
    equal(select("inferred", "id, owner.address.zip"), [(1, None), (2, 53111), (3, None)])
    maps = {}
    for file in (destination / "inferred").glob("*.parquet"):
        for row in pq.read_table(file, columns=["id", "prices"]).to_pylist(maps_as_pydicts="strict"):
            maps[row["id"]] = row["prices"]
    equal(maps, prices)

    equal(
        select("as_json", "id, prices, owner, tags"),
        [
            (1, '{"2024-01-01":1.5,"2024-01-02":2}', '{"address":{"city":"Ulm"},"name":"Ann"}', '[{"k":"a"},{"k":"b"}]'),
            (2, '{"latest":3}', '{"address":{"city":"Bonn","zip":53111},"name":"Ben"}', None),
            (3, '{"2024-01-03":"n/a"}', '{"name":7}', '[{"k":"c"}]'),
        ],
    )
    equal(
        select("flat", 'id, "prices__2024-01-01", prices__latest, owner__name, owner__address__zip, tags'),
        [
            (1, 1.5, None, "Ann", None, '[{"k":"a"},{"k":"b"}]'),
            (2, None, 3, "Ben", 53111, None),
            (3, None, None, None, None, '[{"k":"c"}]'),
        ],
    )
    equal({id: owner for id, owner in select("mixed", "id, owner")}, {id: owner for id, (_, owner) in RECORDS_AS_MAPS.items()})
    equal(select("mixed", 'id, prices."2024-01-03", tags')[2], (3, "n/a", '[{"k":"c"}]'))

    equal(
        select("declared", "id, fee, fee__v_string, \"at\"::varchar, exact::timestamp_ns::varchar, opens, opens__v_string, raw, gas, note"),
        [
            (
                1,
                decimal.Decimal("12.50"),
                None,
                "2024-01-31 12:30:00+00",
                "2024-01-31 12:30:00.123456789",
                datetime.time(8, 30),
                None,
                b"\x00\xff",
                decimal.Decimal("1000000000000000000000"),
                None,
            ),
            (2, None, "n/a", "2024-01-31 12:00:00+00", None, None, "noon", b"\x00\xff", None, "too long"),
        ],
    )
    declared = fields("declared")
    kinds = {name: str(declared[name].type) for name in ("id", "fee", "at", "exact", "opens", "raw", "gas")}
    equal(
        kinds,
        {
            "id": "int64",
            "fee": "decimal128(10, 2)",
            "at": "timestamp[us, tz=UTC]",
            "exact": "timestamp[ns, tz=UTC]",
            "opens": "time64[us]",
            "raw": "binary",
            "gas": "decimal128(38, 0)",
        },
    )
    equal(declared["id"].nullable, False)
    descriptions = {
        name: field.metadata[b"description"]
        for field_of in (declared, fields("mixed"))
        for name, field in field_of.items()
        if b"description" in (field.metadata or {})
    }
    equal(descriptions, {"fee": b"in EUR", "note": b"free text", "owner": b"who has it"})


if __name__ == "__main__":
    duckdb.sql("set timezone = 'UTC'")
    main()
