import json

import pandas as pd
import pytest

from pipelines.data.overlap_store import OVERLAP_SCHEMA
from pipelines.evaluation.detection_store import DetectionRow, write_detections
from pipelines.evaluation.retrieval_store import Retrieved, write_retrieved
from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_stamp, write_table
from pipelines.tables.build_table import MODULE, build_parser, main
from pipelines.tables.runs_store import read_row_runs
from pipelines.training.history_store import write_history


def row(name, runs, **changes):
    return {
        "name": name,
        "method": "mosi",
        "backbone": "r2plus1d-tiny",
        "num_frames": 8,
        "resolution": 56,
        "source": "many",
        "measures": ["top1"],
        "gain_over": "",
        "supervised": "supervised",
        "published": {},
        "unavailable": "",
        "note": "",
        "runs": runs,
        "histories": ["" for _ in runs],
        "retrievals": ["" for _ in runs],
        **changes,
    }


@pytest.fixture
def build(tmp_path):
    """Run the command; returns the table by (row, measure), and the folder of its files."""

    def run(rows, **changes):
        config = {
            "title": "a title",
            "target": "mine",
            "is_smoke": False,
            "rows": rows,
            "others": [],
            **changes,
        }
        frame = pd.DataFrame([], columns=OVERLAP_SCHEMA.names)
        write_table(tmp_path / "overlap.parquet", frame, OVERLAP_SCHEMA, {})
        out = tmp_path / "out"
        options = ["--config", json.dumps(config), "--overlap", str(tmp_path / "overlap.parquet")]
        options += ["--out", str(out / "t.csv"), "--runs", str(out / "runs.parquet")]
        main(build_parser().parse_args([*options, "--markdown", str(out / "t.md")]))
        table = pd.read_csv(out / "t.csv", keep_default_na=False)
        return {(line["row"], line["measure"]): line for line in table.to_dict("records")}, out

    return run


def test_gain_and_share_stand_against_other_rows(build, runs):
    scratch = row("scratch", [runs.record("random", [1, 0, 0, 0])])
    ceiling = row("supervised", [runs.record("supervised", [1, 1, 1, 1])])
    own = row(
        "xy",
        [runs.record("mosi", [1, 1, 1, 0])],
        measures=["top1", "gain", "percent_of_supervised"],
        gain_over="scratch",
        published={"top1": 71.8},
    )

    table, out = build([scratch, ceiling, own])

    assert table["xy", "top1"]["mean"] == 75.0
    assert table["xy", "top1"]["published"] == "71.8"
    assert table["xy", "gain"]["mean"] == 50.0
    assert table["xy", "percent_of_supervised"]["mean"] == 75.0
    behind = read_row_runs(out / "runs.parquet")
    assert behind["row"].tolist() == ["scratch", "supervised", "xy"]
    assert read_stamp(out / "runs.parquet")["module"] == MODULE
    assert (out / "t.md").read_text().startswith("# mine: a title")


def test_draws_of_few_labels_are_repeats(build, runs):
    first, second = (
        runs.record("mosi", right, draw=draw) for draw, right in enumerate([[1, 0], [1, 1]])
    )
    base = [runs.record("random", [0, 1], draw=draw) for draw in range(2)]
    few = row("few", [first, second], measures=["top1", "gain"], gain_over="scratch")

    table, out = build([row("scratch", base, method="random"), few])

    line = table["few", "top1"]
    assert (line["mean"], line["num_seeds"], line["num_draws"]) == (75.0, 1, 2)
    # 12.706 * 35.36 / sqrt(2) to each side.
    assert (line["low"], line["high"]) == (-242.66, 392.66)
    assert table["few", "gain"]["mean"] == 25.0
    assert read_row_runs(out / "runs.parquet")["draw"].tolist() == [0, 1, 0, 1]
    assert "75.0 +- 35.36 [-242.66, 392.66]" in (out / "t.md").read_text()


@pytest.mark.parametrize(("limit", "mean"), [(None, 75.0), (1, 25.0)])
def test_frame_map_counts_as_many_labels_as_it_is_told(build, runs, tmp_path, limit, mean):
    whole, names = (0.0, 0.0, 1.0, 1.0), ["run", "sit"]
    path = tmp_path / "detections.parquet"
    write_detections(
        path,
        [
            DetectionRow("v", 902, True, *whole, names, [1.0, 1.0]),
            DetectionRow("v", 902, False, *whole, names, [0.9, 0.1]),
            DetectionRow("v", 903, True, *whole, ["run"], [1.0]),
            DetectionRow("v", 903, False, *whole, names, [0.2, 0.8]),
        ],
        {},
    )
    own = row("modist", [runs.record("modist", [1])], measures=["map"], retrievals=[str(path)])
    own["runs"][0] |= {"predictions": "", "model": ""}

    table, _ = build([own | {"max_labels_per_frame": limit}])

    # "run": both right, 1. "sit": wrong, then right, 1/2. With one label of a frame, "run" of 902
    # and "sit" of 903 are left: 1 of 2 found, 1/2, and 0.
    assert table["modist", "map"]["mean"] == mean


def test_pretext_accuracy_is_the_last_one_told(build, runs, tmp_path):
    curve = tmp_path / "history.parquet"
    write_history(curve, [{"step": 1, "top1": 0.25}, {"step": 2, "top1": 0.5}], {})

    table, _ = build(
        [
            row(
                "xy",
                [runs.record("mosi", [1, 0])],
                measures=["pretext_top1", "top1"],
                histories=[str(curve)],
            )
        ]
    )

    assert table["xy", "pretext_top1"]["mean"] == 50.0


def test_a_task_without_classes_has_no_pretext_accuracy(build, runs, tmp_path):
    curve = tmp_path / "history.parquet"
    write_history(curve, [{"step": 1, "loss": 0.25}], {})
    wrong = row("ir", [runs.record("mosi", [1])], measures=["pretext_top1"], histories=[str(curve)])

    with pytest.raises(ContractError, match="expected the accuracy of a pretext task"):
        build([wrong])


def test_recall_needs_no_predictions(build, runs, tmp_path):
    found = tmp_path / "retrieval.parquet"
    rows = [
        Retrieved("a", 0, "run", ["x", "y"], [0, 0], ["jump", "run"], [0.1, 0.2]),
        Retrieved("b", 0, "run", ["x", "y"], [0, 0], ["run", "jump"], [0.1, 0.2]),
    ]
    write_retrieved(found, rows, {})
    bare = runs.record("mosi", [1]) | {"predictions": "", "model": ""}

    table, out = build(
        [row("xy", [bare], measures=["recall_1", "recall_5"], retrievals=[str(found)])]
    )

    assert table["xy", "recall_1"]["mean"] == 50.0
    assert table["xy", "recall_5"]["mean"] == 100.0
    behind = read_row_runs(out / "runs.parquet").iloc[0]
    assert behind["predictions"] == str(found)
    assert pd.isna(behind["top1"])
    assert behind["num_videos"] == 2


def test_rows_without_runs_say_why_and_others_stay(build, runs):
    missing = row("imagenet", [], unavailable="needs the source imagenet_s5, which is not there")
    other = [["CoCLR", "top1", "UCF101", 87.9]]

    table, _ = build([row("own", [runs.record("mosi", [1])]), missing], others=other)

    assert table["own", "top1"]["status"] == "measured"
    assert table["imagenet", "top1"]["status"] == "unavailable"
    assert "imagenet_s5" in table["imagenet", "top1"]["reason"]
    assert table["CoCLR", "top1"]["status"] == "published"
