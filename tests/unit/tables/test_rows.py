import pytest

from pipelines.tables.rows import COLUMNS, empty_row, measured_cells, remark, top1_of
from pipelines.tables.runs import RunConfig, TableConfig


@pytest.fixture
def config():
    def make(records=(), **changes):
        values = {
            "target": "mine",
            "dataset": "demo",
            "source": "many",
            "backbone": "r2plus1d-tiny",
            "num_frames": 8,
            "resolution": 56,
            "is_smoke": False,
            "methods": ("random", "mosi"),
            "unavailable": {"random": "", "mosi": ""},
            "runs": tuple(RunConfig(**record) for record in records),
        }
        return TableConfig(**values | changes)

    return make


def run_of(method, split, seed, top1):
    return {"method": method, "split": split, "seed": seed, "draw": 0, "top1": top1}


def test_a_row_names_what_it_was_made_with(config):
    row = empty_row("mosi", config())

    assert tuple(row) == COLUMNS
    assert (row["backbone"], row["frames"], row["resolution"]) == ("r2plus1d-tiny", 8, 56)
    assert (row["source"], row["top1_mean"]) == ("many", "")


def test_a_row_without_a_network_says_what_stands_in_its_place(config):
    row = empty_row("idt_svm", config())

    assert (row["backbone"], row["frames"], row["resolution"]) == ("trajectories", "", "")
    assert row["source"] == "many"


@pytest.mark.parametrize(("method", "source"), [("random", ""), ("mars", ""), ("vcop", "many")])
def test_rows_without_unlabelled_videos_have_no_source(config, method, source):
    assert empty_row(method, config())["source"] == source


def test_published_weights_take_the_place_of_a_source(config):
    row = empty_row("vcop_official", config(published={"vcop_official": "vcop"}))

    assert (row["backbone"], row["source"]) == ("r2plus1d-tiny", "published weights (vcop)")


def test_a_rows_runs_are_its_own():
    measured = [run_of("random", "a", 0, 10.0), run_of("mosi", "a", 0, 20.0)]

    assert top1_of("mosi", measured) == {("a", 0, 0): 20.0}


def test_measured_cells(config):
    measured = [run_of("mosi", "a", 0, 20.0), run_of("mosi", "b", 0, 30.0)]

    assert measured_cells("random", config(), measured) == {}
    assert measured_cells("mosi", config(), measured) == {
        "top1_mean": 25.0,
        "top1_std": 7.07,
        "num_splits": 2,
        "num_seeds": 1,
        "status": "measured",
    }
    assert measured_cells("mosi", config(is_smoke=True), measured)["status"] == "smoke"


def test_labels_from_elsewhere_are_told(config, runs):
    records = [
        runs.record("motionfit", [1], "split1", generator="demo.split1"),
        runs.record("mers", [1], "split2", generator="demo.split1"),
    ]
    found = config(records)

    assert remark("motionfit", found) == ""
    assert remark("mers", found) == "generator labels demo.split1 for all splits"
    assert "proves the plumbing" in remark("mers", config(records, is_smoke=True))
