import pickle

import numpy as np
import pytest

from pipelines.clustering.diagnostics import ClusterStatistics
from pipelines.clustering.granularity import Units
from pipelines.clustering.pseudolabel_store import (
    PseudoLabels,
    pseudolabel_writer,
    read_diagnostics,
    write_diagnostics,
)
from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_stamp

STAMP = {"module": "test"}


def write(path, videos, num_clusters=10):
    """`videos`: id -> list of (first frame, last frame, label)."""
    with pseudolabel_writer(path, num_clusters, STAMP) as writer:
        for video_id, rows in videos:
            first, last, labels = (np.array(column) for column in zip(*rows, strict=True))
            units = Units(first, last, np.zeros((len(rows), 1), np.float32))
            writer.add(video_id, units, labels, np.full(len(rows), 0.5, np.float32))
    return path


@pytest.fixture
def labels(tmp_path):
    path = tmp_path / "pseudolabels.parquet"
    videos = [
        ("b", [(0, 15, 3), (16, 31, 5), (32, 47, 3)]),
        ("a", [(0, 9, 7)]),
        ("overlapping", [(0, 15, 1), (8, 23, 2), (16, 31, 4)]),
    ]
    return PseudoLabels(write(path, videos))


@pytest.mark.parametrize(
    ("video_id", "first", "last", "expected"),
    [
        ("b", 0, 15, 3),
        ("b", 16, 31, 5),
        ("b", 9, 24, 5),  # 7 frames of the first unit, 9 of the second
        ("b", 7, 22, 3),  # 9 and 7
        ("b", 8, 23, 3),  # 8 and 8: the earlier unit
        ("b", 24, 39, 5),  # 8 and 8 again
        ("b", 0, 47, 5),  # all three: the one in the middle
        ("b", 20, 20, 5),
        ("a", 0, 15, 7),
        ("overlapping", 8, 23, 2),
        ("overlapping", 10, 13, 1),  # inside two units
        ("overlapping", 13, 28, 4),  # 3, 11 and 13 frames
    ],
)
def test_the_unit_that_shares_most_frames_wins(labels, video_id, first, last, expected):
    assert labels.lookup(video_id, first, last) == expected


@pytest.mark.parametrize(("first", "last", "expected"), [(48, 63, 3), (60, 60, 3)])
def test_a_clip_beyond_all_units_gets_the_nearest(labels, first, last, expected):
    assert labels.lookup("b", first, last) == expected


def test_a_gap_goes_to_the_nearer_side(tmp_path):
    path = write(tmp_path / "p.parquet", [("v", [(0, 3, 1), (20, 23, 2)])])

    assert PseudoLabels(path).lookup("v", 5, 6) == 1
    assert PseudoLabels(path).lookup("v", 17, 18) == 2


def test_lookup_equals_counting_shared_frames(tmp_path):
    rng = np.random.default_rng(0)
    starts = np.sort(rng.choice(90, size=8, replace=False))
    rows = [(int(s), int(s + rng.integers(1, 20)), label) for label, s in enumerate(starts)]
    labels = PseudoLabels(write(tmp_path / "p.parquet", [("v", rows)]))

    for first in range(int(starts[0]), 90, 3):
        for length in (1, 4, 16, 40):
            clip = set(range(first, first + length))
            shared = [len(clip & set(range(a, b + 1))) for a, b, _ in rows]
            if max(shared):
                off_middle = [abs((a + b) / 2 - (first + length / 2 - 0.5)) for a, b, _ in rows]
                order = sorted(range(len(rows)), key=lambda n: (-shared[n], off_middle[n], n))
                found = labels.lookup("v", first, first + length - 1)
                assert found == order[0], (first, length)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(0, 63, 1), (16, 79, 2), (10, 73, 2), (0, 47, 1), (16, 63, 2), (0, 31, 0)],
)
def test_a_clip_longer_than_units_takes_the_middle_one(tmp_path, first, last, expected):
    units = [(start, start + 15, number) for number, start in enumerate(range(0, 80, 16))]
    path = write(tmp_path / "p.parquet", [("v", units)])

    assert PseudoLabels(path).lookup("v", first, last) == expected


def test_knows_its_videos_and_clusters(labels):
    assert labels.video_ids == ("b", "a", "overlapping")
    assert labels.num_clusters == 10


def test_can_be_sent_to_a_worker(labels):
    assert pickle.loads(pickle.dumps(labels)).lookup("b", 16, 31) == 5


def test_a_video_without_label_is_named(labels):
    with pytest.raises(ContractError, match="'c' has no pseudo-label"):
        labels.lookup("c", 0, 15)


def test_rows_of_a_video_must_stand_together(tmp_path):
    path = write(
        tmp_path / "p.parquet", [("a", [(0, 1, 0)]), ("b", [(0, 1, 0)]), ("a", [(2, 3, 0)])]
    )

    with pytest.raises(ContractError, match="rows of a video together"):
        PseudoLabels(path)


def test_labels_must_be_clusters(tmp_path):
    path = write(tmp_path / "p.parquet", [("a", [(0, 1, 10)])], num_clusters=10)

    with pytest.raises(ContractError, match="labels below 10"):
        PseudoLabels(path)


def test_a_truncated_table_is_refused(tmp_path):
    path = write(tmp_path / "p.parquet", [("a", [(0, 1, 0)])])
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(ContractError, match="rule assign_pseudolabels remakes it"):
        PseudoLabels(path)


def test_the_stamp_is_inside(tmp_path):
    path = write(tmp_path / "p.parquet", [("a", [(0, 1, 0)])], num_clusters=4)

    assert read_stamp(path) == {"module": "test", "num_clusters": "4"}


def test_many_rows_are_written_in_several_groups(tmp_path):
    rows = [(n, n, n % 7) for n in range(40_000)]
    path = write(tmp_path / "p.parquet", [(name, rows) for name in "abc"])

    assert PseudoLabels(path).lookup("c", 39_999, 39_999) == 39_999 % 7


def test_diagnostics_list_totals_and_clusters(tmp_path):
    statistics = ClusterStatistics(3)
    statistics.add_video(np.array([0, 2, 2]), np.array([1.0, 2.0, 4.0], dtype=np.float32))
    summary = statistics.finish()
    write_diagnostics(tmp_path / "d.parquet", summary, STAMP)

    found = read_diagnostics(tmp_path / "d.parquet").set_index(["cluster", "measure"])["value"]

    assert found[-1].to_dict() == pytest.approx(summary.totals)
    assert found[2].to_dict() == {"size": 2, "num_videos": 1, "mean_distance": 3}
    assert found[1, "size"] == 0
    assert np.isnan(found[1, "mean_distance"])
