"""Time and peak memory of merging rows into a table of as many, half of them known.

usage: merge.py ENGINE [ROWS]

The first run fills the table with ROWS rows (5,000,000), the second merges ROWS others of which every second one has a known
key and another content, and the third merges 100 rows. Keys are random text of 32 letters, as UUIDs are. Needs GNU time.
"""

import hashlib
import http.server
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

PAGE = 50_000
SPEC = """\
name: merge
client: {{ base_url: "http://127.0.0.1:{port}" }}
resources:
  - name: rows
    primary_key: id
    write_disposition: merge
    endpoint:
      path: rows/{load}
      data_selector: items
      paginator: {{ type: offset, limit: {page}, total_path: total }}
"""


def row(number, load):
    key = hashlib.md5(str(number).encode()).hexdigest()
    return f'{{"id":"{key}","number":{number},"load":{load},"name":"name of {number}","amount":{number % 1000}.25}}'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    rows = 0

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        load = int(url.path.rsplit("/", 1)[1])
        first, step, total = [(0, 1, self.rows), (self.rows // 2, 1, self.rows), (0, max(1, self.rows // 100), 100)][load]
        offset = int(dict(urllib.parse.parse_qsl(url.query))["offset"])
        numbers = (first + step * place for place in range(offset, min(offset + PAGE, total)))
        body = f'{{"total":{total},"items":[{",".join(row(number, load) for number in numbers)}]}}'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def main():
    engine = pathlib.Path(sys.argv[1]).resolve()
    Handler.rows = int(sys.argv[2]) if len(sys.argv) > 2 else 5_000_000
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("| load | wall s | peak MiB | report |\n|---|--:|--:|---|")
    with tempfile.TemporaryDirectory() as folder:
        for load, name in enumerate([f"{Handler.rows:,} rows", f"{Handler.rows:,} rows merged", "100 rows merged"]):
            pathlib.Path(folder, "merge.yaml").write_text(SPEC.format(port=server.server_port, load=load, page=PAGE))
            started = time.monotonic()
            command = ["/usr/bin/time", "-f", "%M", engine, "run", "merge.yaml"]
            finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            seconds = time.monotonic() - started
            if finished.returncode != 0:
                sys.exit(finished.stderr + finished.stdout)
            rows = " ".join(line.strip() for line in finished.stdout.splitlines() if " added" in line)
            print(f"| {name} | {seconds:.1f} | {int(finished.stderr.splitlines()[-1]) / 1024:.0f} | {rows} |", flush=True)
        files = list(pathlib.Path(folder).rglob("rows/*.parquet"))
        print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
