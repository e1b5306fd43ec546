import errno
from pathlib import Path

import pytest

from pipelines.data.manifest import Video
from pipelines.data.split_checks import check_roles, count_roles, split_columns
from pipelines.io.errors import DatasetError


@pytest.fixture
def table(tmp_path):
    (tmp_path / "x.mp4").write_text("1")
    (tmp_path / "annotations.csv").write_text("video,label,group,split1,few1\nx.mp4,a,,train,\n")
    return {"adapter": "csv", "root": str(tmp_path), "num_shards": 1}


def test_columns_that_may_be_splits_are_those_of_the_table(table):
    assert split_columns("mine", table) == ["split1", "few1"]
    assert split_columns("mine", {**table, "adapter": "folder"}) == []


def test_a_split_that_is_no_column_is_told_the_columns(table):
    with pytest.raises(DatasetError) as failure:
        split_columns("mine", {**table, "splits": ["splt1"]})

    message = str(failure.value)
    assert message.startswith("datasets.mine: ")
    assert "columns splt1 are missing; found video, label, group, split1, few1" in message
    assert "(did you mean 'split1'?)" in message


def test_a_table_that_is_not_there_has_the_columns_that_are_named(table, tmp_path):
    (tmp_path / "annotations.csv").unlink()

    assert split_columns("mine", {**table, "splits": ["a", "b"]}) == ["a", "b"]


def test_a_table_that_may_not_be_read_is_told(table, monkeypatch):
    def denied(path, *args, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", denied)

    with pytest.raises(DatasetError, match=r"^dataset mine: .*annotations.csv: permission denied"):
        split_columns("mine", table)


def test_videos_are_counted_by_split_and_role():
    videos = [
        Video("a", "a.avi", "jump", None, {"split1": "train", "few": "test"}),
        Video("b", "b.avi", "jump", None, {"split1": "train"}),
    ]

    assert count_roles(videos) == {("split1", "train"): 2, ("few", "test"): 1}


@pytest.mark.parametrize(
    ("needed", "message"),
    [
        (("train",), None),
        ((), None),
        (
            ("train", "test"),
            "targets.x.splits: expected test videos in split s of dataset mine, found 2 train, 0 "
            "test, 1 unlabelled",
        ),
    ],
)
def test_a_split_has_videos_of_every_role_that_is_needed(needed, message):
    counts = {("s", "train"): 2, ("s", "unlabelled"): 1, ("other", "test"): 4}

    if message is None:
        check_roles("targets.x.splits", "mine", "s", counts, *needed)
        return
    with pytest.raises(DatasetError) as failure:
        check_roles("targets.x.splits", "mine", "s", counts, *needed)
    assert str(failure.value).startswith(message)
