import json

import pandas as pd
import pytest

from pipelines.data.overlap_store import OVERLAP_SCHEMA
from pipelines.io.errors import ConfigError, ContractError
from pipelines.io.options import TableOptions
from pipelines.io.parquet import read_stamp, write_table
from pipelines.tables.publication import publish_table
from pipelines.tables.runs_store import read_runs


@pytest.fixture
def publish(tmp_path):
    """Publish a table of the methods' names; returns the folder of its files."""

    def run(records, **changes):
        config = {
            "target": "mine",
            "dataset": "demo",
            "source": "many",
            "backbone": "r2plus1d-tiny",
            "num_frames": 8,
            "resolution": 56,
            "is_smoke": False,
            "methods": ["random", "mosi"],
            "unavailable": {},
            "runs": records,
        }
        shared = pd.DataFrame([dict.fromkeys(OVERLAP_SCHEMA.names, "x")] * 2)
        write_table(tmp_path / "overlap.parquet", shared, OVERLAP_SCHEMA, {})
        out = tmp_path / "out"
        options = TableOptions(
            json.dumps(config | changes),
            tmp_path / "overlap.parquet",
            out / "t.csv",
            out / "runs.parquet",
            out / "t.md",
        )
        publish_table("pipelines.tables.build_leaderboard", options, ("name", "top1"), rows, page)
        return out

    return run


def rows(config, measured):
    return [{"name": item["method"], "top1": item["top1"]} for item in measured]


def page(target, table, comparisons, notes):
    return f"{target}: {len(table)} rows, {sorted(comparisons)}, {len(notes)} notes"


def test_rows_and_page_are_made_of_the_measured_runs(publish, runs):
    records = [runs.record("random", [1, 0]), runs.record("mosi", [1, 1])]

    out = publish(records)

    assert (out / "t.csv").read_text() == "name,top1\nrandom,50.0\nmosi,100.0\n"
    assert (out / "t.md").read_text() == "mine: 2 rows, ['mosi'], 1 notes"
    assert read_runs(out / "runs.parquet")["method"].tolist() == ["random", "mosi"]
    inputs = json.loads(read_stamp(out / "runs.parquet")["inputs"])
    assert inputs == [record["predictions"] for record in records]


def test_nothing_is_written_where_a_run_or_the_config_is_wrong(publish, runs, tmp_path):
    gone = runs.record("random", [1]) | {"predictions": "gone.parquet"}

    with pytest.raises(ContractError, match=r"gone\.parquet is missing"):
        publish([gone])
    with pytest.raises(ConfigError, match="colour"):
        publish([], colour=1)

    assert not (tmp_path / "out").exists()
