"""Times whole runs of `engine` beside a straight-line program and other tools, on the same pages in the same minutes.

    cargo build --release && cargo bench -p engine --no-run
    python3 crates/engine/benches/whole_run.py [--rows 1000000] [--runs 3] [--latency 100] [--shapes] [--peers PYTHON] [--write docs/benchmarks.md]

`--peers` names a Python that has dlt (with its `filesystem` and `parquet` extras), polars and duckdb; they are left out
where it isn't given. Figures are of one machine at one time: only the ratios mean something elsewhere.
"""

import argparse
import datetime
import glob
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

PAGE_ROWS = 500

SPEC = """\
name: states
client: {{ base_url: {url} }}
resources:
  - name: agent_states
    endpoint:
      path: agents/state
      data_selector: agent_states
      paginator: {{ type: offset, limit: {page_rows}, total_path: total }}
destination: {{ url: lake }}
"""

DLT = """
import dlt, sys
from dlt.sources.rest_api import rest_api_source
source = rest_api_source({{
    "client": {{"base_url": "{url}"}},
    "resources": [{{"name": "agent_states", "endpoint": {{
        "path": "agents/state", "data_selector": "agent_states",
        "paginator": {{"type": "offset", "limit": {page_rows}, "total_path": "total"}}}}}}],
}})
pipeline = dlt.pipeline("bench", pipelines_dir="pipelines", dataset_name="lake",
    destination=dlt.destinations.filesystem("file://" + sys.argv[1]))
pipeline.run(source, loader_file_format="parquet")
"""

POLARS = """
import glob, polars
frames = [polars.read_json(page).explode("agent_states").unnest("agent_states") for page in sorted(glob.glob("../pages/*.json"))]
polars.concat(frames).write_parquet("lake.parquet", compression="zstd", compression_level=3)
"""

DUCKDB = """
import duckdb
duckdb.sql(\"\"\"copy (select unnest(agent_states, recursive := true) from read_json('../pages/*.json', maximum_object_size = 100000000))
to 'lake.parquet' (format parquet, compression zstd, compression_level 3)\"\"\")
"""


def build(name):
    """The newest executable of a bench target."""
    found = [path for path in glob.glob(f"target/release/deps/{name}-*") if not path.endswith(".d")]
    if not found:
        sys.exit(f"`{name}` isn't built: run `cargo bench -p engine --no-run`")
    return os.path.abspath(max(found, key=os.path.getmtime))


def measure(command, folder):
    """Runs a command there; wall seconds, CPU seconds, peak resident MiB."""
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"{command[0]} failed: {errors.decode(errors='replace')[-2000:]}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def parquet_bytes(folder):
    files = glob.glob(f"{folder}/**/*.parquet", recursive=True)
    return sum(os.path.getsize(file) for file in files)


def contenders(url, rows, peers, folder):
    engine = os.path.abspath("target/release/engine")
    with open(f"{folder}/states.yaml", "w") as file:
        file.write(SPEC.format(url=url, page_rows=PAGE_ROWS))
    all_of_them = {
        "reference, three threads": [build("reference"), url, "lake.parquet"],
        "engine": [engine, "run", f"{folder}/states.yaml", "--destination", "lake"],
    }
    if not peers:
        print("left out: dlt, polars and duckdb (give `--peers PYTHON`)", file=sys.stderr)
        return all_of_them
    os.mkdir(f"{folder}/pages")
    for page in range(0, rows, PAGE_ROWS):
        with urllib.request.urlopen(f"{url}/agents/state?offset={page}") as answer:
            with open(f"{folder}/pages/{page:09}.json", "wb") as file:
                file.write(answer.read())
    scripts = {"dlt": DLT.format(url=url, page_rows=PAGE_ROWS), "polars, saved pages": POLARS, "duckdb, saved pages": DUCKDB}
    for name, script in scripts.items():
        if subprocess.run([peers, "-c", f"import {name.split(',')[0]}"], stderr=subprocess.DEVNULL).returncode != 0:
            print(f"left out: {name} (not in {peers})", file=sys.stderr)
            continue
        all_of_them[name] = [peers, "-c", script, "lake"]
    return all_of_them


def table(figures):
    """Markdown, medians, with ratios to the first line."""
    lines = [
        "| what | wall s (min–max) | CPU s | peak MiB | output MB | wall ratio | CPU ratio | output ratio |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    base = None
    for name, runs in figures.items():
        walls, cpus, peaks, sizes = zip(*runs)
        wall, cpu, size = statistics.median(walls), statistics.median(cpus), statistics.median(sizes)
        base = base or (wall, cpu, size)
        lines.append(
            f"| {name} | {wall:.2f} ({min(walls):.2f}–{max(walls):.2f}) | {cpu:.2f} | {max(peaks):.0f} | {size / 1e6:.1f} "
            f"| {wall / base[0]:.2f} | {cpu / base[1]:.2f} | {size / base[2]:.2f} |"
        )
    return "\n".join(lines)


def latency(pages, milliseconds):
    """Whole runs against slow answers, one request at a time and eight."""
    server = subprocess.Popen(
        [build("states"), str(pages * 100), "100", str(milliseconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    url = server.stdout.readline().strip()
    walls = {}
    with tempfile.TemporaryDirectory() as folder:
        for concurrency in (1, 8):
            spec = f"{folder}/{concurrency}.yaml"
            with open(spec, "w") as file:
                file.write(SPEC.format(url=url, page_rows=100).replace("    endpoint:", f"    concurrency: {concurrency}\n    endpoint:"))
            walls[concurrency], _, _ = measure([os.path.abspath("target/release/engine"), "run", spec, "--destination", f"lake{concurrency}"], folder)
    server.stdin.close()
    server.wait()
    return (
        f"{pages} pages by offset, {milliseconds} ms before each answer: {walls[1]:.1f} s one after another, {walls[8]:.1f} s "
        f"with `concurrency: 8`, {walls[1] / walls[8]:.1f} times faster."
    )


# Name, shape of the records, rows, rows of a page.
SHAPES = [
    ("flat, 10 times the rows", "flat", 10_000_000, 500),
    ("small, 5 million rows", "small", 5_000_000, 1000),
    ("small, 50 million rows", "small", 50_000_000, 1000),
    ("flat, 50,000 a page", "flat", 1_000_000, 50_000),
    ("flat, one body", "flat", 1_500_000, 1_500_000),
    ("nested", "nested", 400_000, 500),
    ("nested, twice the rows", "nested", 800_000, 500),
    ("2,000 columns", "wide", 4_000, 50),
    ("2,000 columns, twice the rows", "wide", 8_000, 50),
    ("sparse: another 100 of 1,000 keys", "sparse", 80_000, 500),
    ("sparse, twice the rows", "sparse", 160_000, 500),
]


def shapes():
    """Whole runs over records of other shapes: what a row and a byte cost, and how much memory it takes."""
    lines = ["| what | MB of JSON | wall s | CPU s | peak MiB | rows/s | MB/s |", "|---|--:|--:|--:|--:|--:|--:|"]
    for name, shape, rows, page_rows in SHAPES:
        server = subprocess.Popen(
            [build("states"), str(rows), str(page_rows), "0", shape], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        url, megabytes = server.stdout.readline().strip(), int(server.stdout.readline()) / 1e6
        with tempfile.TemporaryDirectory() as folder:
            spec = f"{folder}/states.yaml"
            with open(spec, "w") as file:
                file.write(SPEC.format(url=url, page_rows=page_rows))
            wall, cpu, peak = measure([os.path.abspath("target/release/engine"), "run", spec, "--destination", "lake"], folder)
        server.stdin.close()
        server.wait()
        lines.append(
            f"| {name} | {megabytes:,.0f} | {wall:.2f} | {cpu:.2f} | {peak:.0f} | {rows / wall:,.0f} | {megabytes / wall:,.0f} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency", type=int, default=100, help="milliseconds before each answer of the second part; 0 leaves it out")
    parser.add_argument("--shapes", action="store_true", help="also measures records of other shapes")
    parser.add_argument("--peers")
    parser.add_argument("--write")
    options = parser.parse_args()
    peers = options.peers and os.path.abspath(options.peers)
    server = subprocess.Popen(
        [build("states"), str(options.rows), str(PAGE_ROWS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    figures = {}
    with tempfile.TemporaryDirectory() as folder:
        url = server.stdout.readline().strip()
        commands = contenders(url, options.rows, peers, folder)
        for run in range(options.runs):
            for name, command in commands.items():
                within = f"{folder}/{run}"
                os.makedirs(within)
                wall, cpu, peak = measure(command, within)
                figures.setdefault(name, []).append((wall, cpu, peak, parquet_bytes(within)))
                shutil.rmtree(within)
    server.stdin.close()
    server.wait()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    text = (
        f"{options.rows:,} agent states of 12 flat columns, {PAGE_ROWS} a page, from loopback to zstd level 3 on local disk; "
        f"medians of {options.runs} runs, taken in turns.\n\n{table(figures)}\n\n"
        + (f"{latency(400, options.latency)}\n\n" if options.latency else "")
        + (f"{shapes()}\n\n" if options.shapes else "")
        + f"{datetime.date.today()}, commit {commit}, {platform.machine()}, {os.cpu_count()} cores, {platform.system()}.\n"
    )
    print(text)
    if options.write:
        with open(options.write) as file:
            before, _, rest = file.read().partition("<!-- whole runs -->\n")
        _, _, behind = rest.partition("<!-- end -->")
        with open(options.write, "w") as file:
            file.write(f"{before}<!-- whole runs -->\n\n{text}\n<!-- end -->{behind}")


if __name__ == "__main__":
    main()
