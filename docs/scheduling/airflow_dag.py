"""Lands the shop's API every night, on a worker that has the command."""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG(
    dag_id="shop",
    schedule="15 2 * * *",
    start_date=datetime(2024, 1, 1),
    # A run reads all that is new by itself: nights that were missed need no runs of their own.
    catchup=False,
    max_active_runs=1,
):
    BashOperator(
        task_id="land",
        bash_command="engine run pipelines/shop.yaml --wait",
        cwd="/srv/lake",
        env={"SHOP_TOKEN": "{{ conn.shop.password }}"},
        append_env=True,
        # 1: the next try goes on where this one ended. 2 is a mistake in the spec: no try helps.
        retries=3,
        retry_delay=timedelta(minutes=10),
        # 3: shown as skipped, so that the tables that were committed are not read again at once.
        skip_on_exit_code=3,
        execution_timeout=timedelta(hours=6),
    )
