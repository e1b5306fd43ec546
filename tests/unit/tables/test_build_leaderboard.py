import json

import pandas as pd
import pytest

from pipelines.data.overlap_store import OVERLAP_SCHEMA
from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_stamp, write_table
from pipelines.tables.build_leaderboard import MODULE, build_parser, main
from pipelines.tables.runs_store import read_runs


@pytest.fixture
def build(tmp_path):
    """Run the command; returns the folder of its three files."""

    def run(records):
        methods = sorted({record["method"] for record in records} | {"supervised"})
        config = {
            "target": "mine",
            "dataset": "demo",
            "source": "many",
            "backbone": "r2plus1d-tiny",
            "num_frames": 8,
            "resolution": 56,
            "is_smoke": False,
            "methods": methods,
            "unavailable": dict.fromkeys(methods, "no labels"),
            "runs": records,
        }
        frame = pd.DataFrame([], columns=OVERLAP_SCHEMA.names)
        write_table(tmp_path / "overlap.parquet", frame, OVERLAP_SCHEMA, {})
        out = tmp_path / "out"
        options = ["--config", json.dumps(config), "--overlap", str(tmp_path / "overlap.parquet")]
        options += ["--out", str(out / "t.csv"), "--runs", str(out / "runs.parquet")]
        main(build_parser().parse_args([*options, "--markdown", str(out / "t.md")]))
        return out

    return run


def test_the_three_files_tell_the_same(build, runs):
    records = [runs.record("random", [1, 0, 0, 0]), runs.record("mosi", [1, 1, 0, 0])]

    out = build(records)

    table = pd.read_csv(out / "t.csv", keep_default_na=False)
    assert table["method"].tolist() == ["mosi", "random", "supervised"]
    assert table["paired_gap_to_random"].tolist() == ["25.0", "", ""]
    page = (out / "t.md").read_text()
    assert page.startswith("# mine: every method on one backbone, one protocol")
    assert "| mosi " in page
    assert "+25.00" in page
    assert set(read_runs(out / "runs.parquet")["method"]) == {"random", "mosi"}
    assert read_stamp(out / "runs.parquet")["module"] == MODULE


def test_nothing_is_left_behind_when_a_run_is_missing(build, runs, tmp_path):
    record = runs.record("random", [1]) | {"predictions": "gone.parquet"}

    with pytest.raises(ContractError, match=r"gone\.parquet is missing"):
        build([record])

    assert not (tmp_path / "out").exists()
