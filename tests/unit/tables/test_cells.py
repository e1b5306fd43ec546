import pytest

from pipelines.tables.cells import RowConfig, gain_of, history_of, lines, percent_of, printed_lines
from pipelines.tables.definition import Printed
from pipelines.tables.summary import Repeat

ROW = RowConfig(
    name="full",
    method="video_la",
    backbone="r3d-18",
    num_frames=16,
    resolution=112,
    source="many",
    measures=("top1", "gain"),
    gain_over="scratch",
    supervised="supervised",
    published={"top1": 71.4},
    unavailable="",
    note="a note",
    runs=(),
    histories=(),
    retrievals=(),
)


def test_one_line_per_measure_with_mean_and_spread_over_splits():
    values = {
        Repeat("split1", 0): 70.0,
        Repeat("split1", 1): 72.0,
        Repeat("split2", 0): 75.0,
        Repeat("split2", 1): 77.0,
    }

    first, second = lines([ROW], {"full": {"top1": values}}, is_smoke=False)

    assert (first["mean"], first["std"]) == (73.5, 3.54)
    assert (first["num_splits"], first["num_seeds"], first["published"]) == (2, 2, 71.4)
    # The seeds' means are 72.5 and 74.5: 12.706 * sqrt(2) / sqrt(2) to each side.
    assert (first["low"], first["high"], first["num_draws"]) == (60.79, 86.21, 1)
    assert (first["status"], first["reason"]) == ("measured", "a note")
    assert (second["measure"], second["status"]) == ("gain", "unavailable")
    assert second["reason"] == "needs the row scratch, which was not measured"


def test_smoke_says_so():
    (line, _) = lines([ROW], {"full": {"top1": {Repeat("split1", 0): 1.0}}}, is_smoke=True)

    assert line["status"] == "smoke"
    assert (line["low"], line["high"]) == ("", "")
    assert "means nothing" in line["reason"]


def test_others_rows_hold_the_printed_value_alone():
    (line,) = printed_lines([Printed("CoCLR", "top1", "UCF101 split1 top1", 87.9)])

    assert (line["row"], line["published"], line["status"]) == ("CoCLR", 87.9, "published")
    assert line["mean"] == ""


def test_gain_is_paired():
    base = {Repeat("split1", 0): 60.0, Repeat("split1", 1): 50.0}

    found = gain_of(
        {Repeat("split1", 0): 61.0, Repeat("split1", 1): 55.0, Repeat("split1", 2): 99.0}, base
    )

    assert found == {Repeat("split1", 0): 1.0, Repeat("split1", 1): 5.0}


def test_share_of_the_supervised_mean_on_the_same_split():
    supervised = {Repeat("split1", 0): 80.0, Repeat("split1", 1): 90.0, Repeat("split2", 0): 0.0}

    found = percent_of(
        {Repeat("split1", 0): 42.5, Repeat("split2", 0): 1.0, Repeat("split3", 0): 1.0}, supervised
    )

    assert found == {Repeat("split1", 0): pytest.approx(50.0)}


def test_a_curve_stands_beside_its_model():
    assert history_of("results/x/model.pt") == "results/x/history.parquet"
    assert history_of("") == ""
