import pytest

from pipelines.tables.published import TABLE5_ROWS, table5_row, transcript

# MotionFit, Table 5, as printed: UCF101 and HMDB51, mean over three splits.
PRINTED = {
    "random": (58.9, 22.0),
    "mers": (78.3, 42.1),
    "mars": (82.2, 48.7),
    "stc": (84.7, None),
    "distinit": (85.7, 54.9),
    "supervised": (95.0, 70.4),
    "motionfit": (87.4, 56.4),
}


@pytest.mark.parametrize("method", sorted(PRINTED))
def test_values_are_as_printed(method):
    assert table5_row(method, "ucf101").top1 == PRINTED[method][0]
    assert table5_row(method, "hmdb51").top1 == PRINTED[method][1]


def test_every_printed_row_is_known():
    keys = {
        row for paper, table, row, _ in transcript() if (paper, table) == ("MotionFit", "Table 5")
    }

    assert set(TABLE5_ROWS) == set(PRINTED)
    assert keys == set(TABLE5_ROWS.values())


@pytest.mark.parametrize("dataset", ["demo", "kinetics400", "UCF101", ""])
@pytest.mark.parametrize("method", sorted(PRINTED))
def test_other_targets_have_no_printed_value(method, dataset):
    assert table5_row(method, dataset).top1 is None


def test_a_row_that_the_paper_does_not_have():
    assert table5_row("appearance", "ucf101") is None


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("stc", ("STC-ResNext", "ImageNet labels", 16, 112)),
        ("distinit", ("R(2+1)D-18", "ImageNet labels", 32, 112)),
        ("supervised", ("R(2+1)D-18", "K400 labels", 16, 112)),
        ("motionfit", ("R(2+1)D-18", "", 16, 112)),
    ],
)
def test_the_setting_is_printed_beside_the_value(method, expected):
    row = table5_row(method, "ucf101")

    assert (row.backbone, row.additional_labels, row.num_frames, row.resolution) == expected
