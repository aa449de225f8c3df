"""Runs every case with dlt and with the engine against the same simulated API, and compares rows and requests.

usage: compare.py ENGINE [CASE.yaml ...]

A case holds one `spec`: the mapping that dlt's `rest_api_source` takes, and that is a spec of the engine once `version`,
`name` and `destination` are added. `${MOCK}` in it is the API. `runs: 2` runs it twice. What must differ is stated in
`differs`, with its `reason`: `rows` by table and `requests`, each with `only_dlt` and `only_engine` (the lines
themselves, or how many), and `fails`, with a part of the message by side.

`database: true` runs dlt with a database of DuckDB, since its merge into files appends. `records` gives, for each run, what
the API answers at `/given/<name>`. Where rows are versions (scd2), the times from and until which they are valid are
compared by their order: the first one is 1.

What only the engine's spec has, since dlt does it without being told, stands under `engine`. `child_tables` names tables of
lists, each with the table above it: their rows are compared together with the row above that `_dlt_parent_id` leads to,
the position in the list, and the names of dlt's columns.

Rows are compared as a multiset over both runs, normalised: dlt's and the engine's own columns are left out, names are
those that dlt's naming convention gives, objects are flattened as dlt does it, lists are left out (dlt puts them into
tables of their own), nulls are absent, times are UTC. Requests are compared as a multiset for each run: method, path,
query in the order of names, body, and the headers that a spec or a credential sets.
"""

import collections
import concurrent.futures
import datetime
import decimal
import json
import pathlib
import sys
import tempfile
import time
import traceback

import yaml
from mock_api import MockApi
from run_dlt import NAMING, Dlt
from run_engine import Engine

OWN_COLUMNS = ("_load_id", "_extracted_at")
VALIDITY = ("_dlt_valid_", "valid_")
SIDES = ("dlt", "engine")
SHOWN_LINES = 6
PROCESSES = 4


def substitute(value, base):
    if isinstance(value, dict):
        return {substitute(key, base): substitute(item, base) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, base) for item in value]
    return value.replace("${MOCK}", base) if isinstance(value, str) else value


def scalar(value):
    if isinstance(value, datetime.datetime):
        value = value.replace(tzinfo=value.tzinfo or datetime.timezone.utc)
        return value.astimezone(datetime.timezone.utc).isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def normalised(row, prefix=""):
    flat = {}
    for key, value in row.items():
        if key.startswith(("_dlt_", *VALIDITY)) or (not prefix and key in OWN_COLUMNS) or value is None or isinstance(value, list):
            continue
        name = prefix + NAMING.normalize_path(key)
        if name in flat:
            # Two columns that dlt's naming would make one.
            name = f"{name} (from {key})"
        if isinstance(value, dict):
            flat |= normalised(value, name + "__")
        else:
            flat[name] = scalar(value)
    return flat


def versions(rows):
    """For each row that is a version, the places of its two times among all of the table."""
    ends = [[value for name, value in row.items() if name.startswith(VALIDITY)] for row in rows]
    times = sorted({scalar(time) for row in ends for time in row if time is not None})
    return [{"valid": [time and times.index(scalar(time)) + 1 for time in row]} if row else {} for row in ends]


def lines(rows):
    shown_rows = (normalised(row) | valid for row, valid in zip(rows, versions(rows)))
    return collections.Counter(json.dumps(row, sort_keys=True, ensure_ascii=False) for row in shown_rows)


def joined(side, table, child_tables):
    """The rows of a table of lists, each behind its position and the rows that it lies in."""
    above = child_tables.get(table)
    if above is None:
        return [(row, [normalised(row)]) for row in side.rows(table)]
    by_id = {}
    for row, shown_row in joined(side, above, child_tables):
        assert by_id.setdefault(row["_dlt_id"], shown_row) is shown_row, f"two rows of {above} have one _dlt_id"
    own = ("_dlt_id", "_dlt_list_idx", "_dlt_parent_id")
    return [
        (row, by_id[row["_dlt_parent_id"]] + [row["_dlt_list_idx"], [name for name in own if row[name] is not None], normalised(row)])
        for row in side.rows(table)
    ]


def joined_lines(side, table, child_tables):
    rows = joined(side, table, child_tables)
    return collections.Counter(json.dumps(shown_row, sort_keys=True, ensure_ascii=False) for _, shown_row in rows)


def difference(dlt, engine):
    only = {"only_dlt": sorted((dlt - engine).elements()), "only_engine": sorted((engine - dlt).elements())}
    return {side: found for side, found in only.items() if found}


def shown(found):
    """The first lines of a difference; how many there are tells the rest."""
    text = ""
    for side, lines in found.items():
        text += f"\n{side}: {len(lines)}" + "".join(f"\n  {line}" for line in lines[:SHOWN_LINES])
    return text or " not as stated: there is no difference"


def as_stated(found, stated):
    """Whether the lines that were found are those that a case states, or as many."""
    stated = stated or {}
    for side in ("only_dlt", "only_engine"):
        lines, expected = found.get(side, []), stated.get(side, [])
        if isinstance(expected, int):
            if len(lines) != expected:
                return False
        elif lines != sorted(line if isinstance(line, str) else json.dumps(line, sort_keys=True, ensure_ascii=False) for line in expected):
            return False
    return True


def compare(case, name, program, api, folder):
    """The differences that the case doesn't state, and those that it states and that aren't there."""
    spec, stated = case["spec"], case.get("differs", {})
    api.given = case.get("records", {})
    sides = {"dlt": Dlt(name, folder / "dlt", case.get("database", False)), "engine": Engine(program, name, folder / "engine")}
    failures = {}
    for run in range(1, case.get("runs", 1) + 1):
        for side, pipeline in sides.items():
            scope = f"{name}/{side}"
            api.runs[scope] = run
            seen = len(api.requests[scope])
            added = case.get("engine", {}) if side == "engine" else {}
            failure = pipeline.run(substitute(spec | added, f"{api.origin}/{scope}"))
            if failure is not None:
                failures[side] = failure
            api.requests[scope][seen:] = [f"#{run} {line}" if run > 1 else line for line in api.requests[scope][seen:]]

    problems = []
    for side in SIDES:
        expected = stated.get("fails", {}).get(side)
        failure = failures.get(side)
        if failure is None and expected is not None:
            problems.append(f"{side} was to fail, and did not")
        elif failure is not None and (expected is None or expected.lower() not in failure.lower()):
            problems.append(f"{side} fails: {failure[:1000]}")

    asked = [collections.Counter(api.requests[f"{name}/{side}"]) for side in SIDES]
    found = difference(*asked)
    if not as_stated(found, stated.get("requests")):
        problems.append(f"requests differ:{shown(found)}")

    resources = [resource if isinstance(resource, str) else resource["name"] for resource in spec["resources"]]
    for table in resources:
        found = difference(*(lines(sides[side].rows(table)) for side in SIDES))
        if not as_stated(found, stated.get("rows", {}).get(table)):
            problems.append(f"rows of {table} differ:{shown(found)}")
    child_tables = case.get("child_tables", {})
    for table in child_tables:
        rows = [joined_lines(sides[side], table, child_tables) for side in SIDES]
        found = difference(*rows)
        if not as_stated(found, stated.get("rows", {}).get(table)):
            problems.append(f"rows of {table} differ:{shown(found)}")
        if not rows[0]:
            problems.append(f"dlt has no rows of {table}: the case compares nothing")
    if child_tables:
        made = [sides[side].tables(tuple(resources)) for side in SIDES]
        if made[0] != made[1]:
            problems.append(f"tables differ: dlt {made[0]}, engine {made[1]}")
    if not asked[0] and not stated.get("fails"):
        problems.append("dlt asked for nothing: the case compares nothing")
    if stated and "reason" not in stated:
        problems.append("`differs` gives no reason")
    return problems


def run(program, path):
    """One case, in a process of its own: dlt keeps global state."""
    started = time.monotonic()
    api = MockApi()
    try:
        with tempfile.TemporaryDirectory() as folder:
            problems = compare(yaml.safe_load(path.read_text()), path.stem, program, api, pathlib.Path(folder))
    except Exception:  # noqa: BLE001: a case that can't be read is a case that fails
        problems = [traceback.format_exc()]
    finally:
        api.close()
    return problems, time.monotonic() - started


def main():
    program, *paths = sys.argv[1:]
    paths = [pathlib.Path(path) for path in paths] or sorted((pathlib.Path(__file__).parent / "cases").glob("*.yaml"))
    failed = 0
    # dlt waits more than it works.
    with concurrent.futures.ProcessPoolExecutor(max_workers=PROCESSES) as pool:
        for path, (problems, seconds) in zip(paths, pool.map(run, [program] * len(paths), paths)):
            failed += bool(problems)
            print(f"{'FAILED' if problems else 'ok'} {path.stem} ({seconds:.1f} s)")
            for problem in problems:
                print("    " + problem.replace("\n", "\n    "))
    print(f"{len(paths)} configurations, {failed} with differences that are not stated")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
