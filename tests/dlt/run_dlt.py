"""Runs a case with dlt: its `rest_api` source, and Parquet files or, for merges, a database of DuckDB."""

import os
import pathlib

os.environ.update(
    RUNTIME__DLTHUB_TELEMETRY="false",
    RUNTIME__LOG_LEVEL="CRITICAL",
    # The waits between tries are not what is compared.
    RUNTIME__REQUEST_BACKOFF_FACTOR="0",
    NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION="true",
)

import dlt  # noqa: E402: reads the settings above
import duckdb  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from dlt.common.normalizers.naming import snake_case  # noqa: E402
from dlt.sources.rest_api import rest_api_source  # noqa: E402

TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'data'"
NAMING = snake_case.NamingConvention()


class Dlt:
    """The pipeline of one case; each run goes on where the one before ended."""

    def __init__(self, name: str, folder: pathlib.Path, database: bool = False):
        self.folder, self.database = folder, database
        folder.mkdir(parents=True)
        if database:
            destination = dlt.destinations.duckdb(str(folder / "lake.duckdb"))
        else:
            destination = dlt.destinations.filesystem(bucket_url=str(folder / "lake"))
        self.pipeline = dlt.pipeline(
            pipeline_name=name,
            pipelines_dir=str(folder / "pipelines"),
            destination=destination,
            dataset_name="data",
        )

    def run(self, config: dict) -> str | None:
        """The text of the failure, if the run fails."""
        try:
            self.pipeline.run(rest_api_source(config), loader_file_format=None if self.database else "parquet")
        except Exception as error:  # noqa: BLE001: what is raised is the result
            causes = []
            while error is not None:
                causes.append(str(error))
                error = error.__cause__ or error.__context__
            return "\n".join(causes)
        return None

    def rows(self, table: str) -> list[dict]:
        if self.database:
            return self.rows_of_database(NAMING.normalize_tables_path(table))
        files = sorted((self.folder / "lake/data" / NAMING.normalize_tables_path(table)).glob("*.parquet"))
        return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]

    def rows_of_database(self, table: str) -> list[dict]:
        with duckdb.connect(str(self.folder / "lake.duckdb"), read_only=True) as database:
            known = database.sql(TABLES).fetchall()
            return database.sql(f'SELECT * FROM data."{table}"').to_arrow_table().to_pylist() if (table,) in known else []

    def tables(self, resources: tuple[str, ...]) -> list[str]:
        """The tables of these resources and of the lists in their records."""
        if self.database:
            with duckdb.connect(str(self.folder / "lake.duckdb"), read_only=True) as database:
                names = [name for (name,) in database.sql(TABLES).fetchall()]
        else:
            names = [folder.name for folder in (self.folder / "lake/data").iterdir()]
        return sorted(name for name in names if name.startswith(resources))
