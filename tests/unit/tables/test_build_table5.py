import csv
import json
import math

import pandas as pd
import pytest

from pipelines.data.overlap_store import OVERLAP_SCHEMA
from pipelines.io.parquet import read_stamp, write_table
from pipelines.tables.build_table5 import COLUMNS, MODULE, ROWS, build_parser, main
from pipelines.tables.runs_store import read_runs

METHODS = ["random", "appearance", "mers", "mars", "supervised", "motionfit"]


@pytest.fixture
def build(tmp_path):
    """Run the command; returns the table's rows by method. Files stand in `tmp_path / out`."""

    def run(records, overlaps=0, **changes):
        config = {
            "target": "mine",
            "dataset": "ucf101",
            "source": "kinetics400",
            "backbone": "r2plus1d-18",
            "num_frames": 16,
            "resolution": 112,
            "is_smoke": False,
            "methods": METHODS,
            "unavailable": dict.fromkeys(METHODS, ""),
            "runs": records,
            **changes,
        }
        shared = [dict.fromkeys(OVERLAP_SCHEMA.names, str(number)) for number in range(overlaps)]
        frame = pd.DataFrame(shared, columns=OVERLAP_SCHEMA.names)
        write_table(tmp_path / "overlap.parquet", frame, OVERLAP_SCHEMA, {})
        out = tmp_path / "out"
        options = ["--config", json.dumps(config), "--overlap", str(tmp_path / "overlap.parquet")]
        options += ["--out", str(out / "t.csv"), "--runs", str(out / "runs.parquet")]
        main(build_parser().parse_args([*options, "--markdown", str(out / "t.md")]))
        with (out / "t.csv").open(newline="") as handle:
            reader = csv.DictReader(handle)
            rows = {row["method"]: row for row in reader}
        assert tuple(reader.fieldnames) == COLUMNS
        return rows

    return run


def test_columns_and_rows_are_fixed(build, runs):
    rows = build([runs.record("random", [1, 0])], methods=["random"])

    assert COLUMNS == (
        "method",
        "backbone",
        "frames",
        "resolution",
        "additional_labels",
        "source",
        "top1_mean",
        "top1_std",
        "num_splits",
        "num_seeds",
        "published_top1",
        "status",
        "reason",
    )
    assert tuple(rows) == ROWS


def test_a_measured_row_is_complete(build, runs):
    right = {("split1", 0): [1, 0], ("split2", 0): [1, 1]}
    records = [runs.record("motionfit", r, *key) for key, r in right.items()]

    row = build(records, methods=["motionfit"])["motionfit"]

    assert row == {
        "method": "motionfit",
        "backbone": "r2plus1d-18",
        "frames": "16",
        "resolution": "112",
        "additional_labels": "",
        "source": "kinetics400",
        "top1_mean": "75.0",
        "top1_std": f"{math.sqrt(1250):.2f}",
        "num_splits": "2",
        "num_seeds": "1",
        "published_top1": "87.4",
        "status": "measured",
        "reason": "",
    }


def test_a_single_run_has_no_spread(build, runs):
    row = build([runs.record("mers", [1, 0])], methods=["mers"])["mers"]

    assert (row["top1_mean"], row["top1_std"], row["num_seeds"]) == ("50.0", "", "1")


@pytest.mark.parametrize(
    ("dataset", "values"),
    [
        ("ucf101", ["58.9", "", "78.3", "82.2", "84.7", "85.7", "95.0", "87.4"]),
        ("hmdb51", ["22.0", "", "42.1", "48.7", "", "54.9", "70.4", "56.4"]),
        ("demo", [""] * 8),
    ],
)
def test_published_values_stand_beside_the_papers_targets_only(build, runs, dataset, values):
    rows = build([runs.record("random", [1])], dataset=dataset, methods=["random"])

    assert [row["published_top1"] for row in rows.values()] == values


def test_every_row_says_how_it_came_about(build, runs):
    rows = build(
        [runs.record("random", [1]), runs.record("motionfit", [1])],
        dataset="hmdb51",
        methods=["random", "supervised", "motionfit"],
        unavailable={"supervised": "source demo has no labels"},
    )

    assert {method: row["status"] for method, row in rows.items()} == {
        "random": "measured",
        "appearance": "unavailable",
        "mers": "unavailable",
        "mars": "unavailable",
        "stc": "unavailable",
        "distinit": "published",
        "supervised": "unavailable",
        "motionfit": "measured",
    }
    assert rows["supervised"]["reason"] == "source demo has no labels"
    assert rows["appearance"]["reason"] == "not among the target's methods"
    assert rows["distinit"]["reason"] == "not reimplemented, printed value only"
    assert "prints no value for this target" in rows["stc"]["reason"]
    assert "VCOP" in rows["random"]["reason"]
    for method in ("appearance", "stc", "distinit", "supervised"):
        assert [rows[method][name] for name in ("top1_mean", "top1_std", "num_seeds")] == [""] * 3


def test_printed_rows_show_the_papers_setting_not_ours(build, runs):
    rows = build([runs.record("random", [1])], backbone="tiny", num_frames=8, resolution=56)

    shown = ("backbone", "frames", "resolution", "additional_labels", "source")
    assert [rows["stc"][name] for name in shown] == [
        "STC-ResNext",
        "16",
        "112",
        "ImageNet labels",
        "",
    ]
    assert rows["distinit"]["frames"] == "32"
    assert [rows["random"][name] for name in shown] == ["tiny", "8", "56", "", ""]
    assert rows["supervised"]["additional_labels"] == "source labels"


def test_smoke_numbers_are_marked(build, runs):
    rows = build([runs.record("random", [1]), runs.record("mers", [0])], is_smoke=True)

    assert [rows[method]["status"] for method in ("random", "mers")] == ["smoke", "smoke"]
    assert "means nothing" in rows["random"]["reason"]


@pytest.mark.parametrize(
    ("generator", "reason"),
    [
        ("ucf101.split2", ""),
        ("ucf101.split1", "generator labels ucf101.split1 for all splits"),
        ("", ""),
    ],
)
def test_labels_of_another_split_are_remarked(build, runs, generator, reason):
    record = runs.record("motionfit", [1], "split2", generator=generator)

    assert build([record], methods=["motionfit"])["motionfit"]["reason"] == reason


def test_pairs_are_counted_against_random(build, runs, tmp_path):
    records = [
        runs.record("random", [1, 0, 0, 0]),
        runs.record("motionfit", [0, 1, 1, 1]),
        runs.record("mers", [1, 0]),
    ]

    build(records)

    page = (tmp_path / "out" / "t.md").read_text()
    line = next(
        line for line in page.split("against random")[1].splitlines() if "motionfit" in line
    )
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "motionfit",
        "+50.00",
        "3",
        "1",
    ]
    # Other videos cannot be paired.
    assert "mers" not in page.split("against random")[1]


def test_without_random_nothing_is_paired(build, runs, tmp_path):
    build([runs.record("motionfit", [1])], overlaps=3, methods=["motionfit"])

    page = (tmp_path / "out" / "t.md").read_text()
    assert "against random" not in page
    assert "holds 3 test videos" in page


def test_the_runs_behind_the_table_are_kept(build, runs, tmp_path):
    records = [runs.record("random", [1, 0]), runs.record("motionfit", [1, 1], initial=True)]
    build(records)

    found = read_runs(tmp_path / "out" / "runs.parquet")
    assert found["method"].tolist() == ["random", "motionfit"]
    assert found["top1"].tolist() == [50.0, 100.0]
    stamp = read_stamp(tmp_path / "out" / "runs.parquet")
    assert stamp["module"] == MODULE
    assert json.loads(stamp["inputs"]) == [record["predictions"] for record in records]
