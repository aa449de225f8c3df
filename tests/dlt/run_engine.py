"""Runs a case with the engine: the same configuration, written as YAML."""

import pathlib
import subprocess

import pyarrow.parquet as pq
import yaml


class Engine:
    """The spec of one case; each run goes on where the one before ended."""

    def __init__(self, program: str, name: str, folder: pathlib.Path):
        self.program, self.name, self.folder = program, name, folder
        folder.mkdir(parents=True)

    def run(self, config: dict) -> str | None:
        """What the command says, if it fails."""
        spec = self.folder / "spec.yaml"
        envelope = {"version": 1, "name": self.name, "destination": {"url": "lake"}}
        spec.write_text(yaml.safe_dump(envelope | config, sort_keys=False, allow_unicode=True))
        finished = subprocess.run(
            [self.program, "run", spec.name], cwd=self.folder, env={"NO_COLOR": "1"}, capture_output=True, text=True, timeout=60
        )
        # The message is wrapped to the terminal's width.
        return None if finished.returncode == 0 else " ".join(finished.stderr.split())

    def rows(self, table: str) -> list[dict]:
        files = sorted((self.folder / "lake" / table).glob("*.parquet"))
        return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]

    def tables(self, resources: tuple[str, ...]) -> list[str]:
        """The tables of these resources and of the lists in their records."""
        return sorted(folder.name for folder in (self.folder / "lake").iterdir() if folder.name.startswith(resources))
