"""Lands the shop's API every night, and tells Dagster what became of it."""

import subprocess

import dagster

SOME_FAILED = 3
RETRY = dagster.RetryPolicy(max_retries=3, delay=600)


@dagster.op(retry_policy=RETRY)
def land_shop(context: dagster.OpExecutionContext) -> None:
    command = ["engine", "run", "pipelines/shop.yaml", "--wait"]
    run = subprocess.run(command, cwd="/srv/lake", capture_output=True, text=True)
    context.log.info(run.stdout)
    if run.returncode == 0:
        return
    if run.returncode == SOME_FAILED:
        context.log.warning(run.stderr)
        return
    # A mistake in the spec (2) fails in every try.
    allow_retries = run.returncode != 2
    raise dagster.Failure(description=run.stderr, allow_retries=allow_retries)


@dagster.job
def shop() -> None:
    land_shop()


nightly = dagster.ScheduleDefinition(job=shop, cron_schedule="15 2 * * *")
definitions = dagster.Definitions(jobs=[shop], schedules=[nightly])
