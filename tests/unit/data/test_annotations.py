import errno
from collections import Counter
from pathlib import Path

import pytest

from pipelines.data.annotations import CsvOptions, list_videos, split_names
from pipelines.data.manifest import Video
from pipelines.io.errors import DatasetError

OPTIONS = CsvOptions(adapter="csv", root=".", num_shards=1, splits=["split1", "few1"])
HEADER = "video,label,group,split1,few1\n"


def table(root, rows, header=HEADER):
    for name in ("a", "b", "c"):
        (root / f"{name}.avi").touch()
    (root / "annotations.csv").write_text(header + rows)


def problems_of(root):
    return [(item.video_id, item.kind) for item in list_videos(root, OPTIONS).problems]


def test_reads_labels_groups_and_roles(tmp_path):
    table(tmp_path, "./a.avi,jump,g1,train,unlabelled\nb.avi,,,,unlabelled\nc.avi,run,g2,test,\n")

    listing = list_videos(tmp_path, OPTIONS)

    assert listing.problems == []
    assert listing.videos == [
        Video("a", "a.avi", "jump", "g1", {"split1": "train", "few1": "unlabelled"}),
        Video("b", "b.avi", None, None, {"few1": "unlabelled"}),
        Video("c", "c.avi", "run", "g2", {"split1": "test"}),
    ]


def test_what_is_out_of_reach_is_left_to_the_probe(tmp_path, monkeypatch):
    table(tmp_path, "a.avi,jump,,train,\nb.avi,run,,train,\nc.avi,run,,test,\n")

    def denied(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", denied)

    listing = list_videos(tmp_path, OPTIONS)
    assert [video.path for video in listing.videos] == ["a.avi", "b.avi", "c.avi"]
    assert listing.problems == []


def test_absolute_paths_are_kept(tmp_path):
    (tmp_path / "root").mkdir()
    table(tmp_path / "root", f"{tmp_path}/far.avi,jump,,train,\n")
    (tmp_path / "far.avi").touch()

    (video,) = list_videos(tmp_path / "root", OPTIONS).videos

    assert video.path == f"{tmp_path}/far.avi"
    assert video.video_id == f"{tmp_path}/far".lstrip("/")


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        ("a.avi,,g1,train,\n", [("a", "mislabelled")]),
        ("a.avi,,g1,unlabelled,test\n", [("a", "mislabelled")]),
        ("a.avi,jump,g1,train,\na.avi,run,g1,train,\n", [("a", "mislabelled")]),
        ("a.avi,jump,g1,train,\na.avi,jump,g1,test,\n", [("a", "mislabelled")]),
        ("d.avi,jump,g1,train,\n", [("d", "missing"), ("a", "unlisted")]),
        ("a.avi,jump,g1,train,\na.avi,jump,g1,train,\n", [("a", "duplicate")]),
        ("a.avi,jump,g1,train,\n./a.avi,jump,g1,,test\n", []),
    ],
)
def test_problem_rows(tmp_path, rows, problems):
    table(tmp_path, f"{rows}b.avi,run,,train,\nc.avi,run,,test,\n")

    assert problems_of(tmp_path) == problems


def test_an_unknown_role_names_row_value_and_choices(tmp_path):
    table(tmp_path, "a.avi,jump,g1,train,\nb.avi,jump,g1,training,\n")

    with pytest.raises(DatasetError) as failure:
        list_videos(tmp_path, OPTIONS)
    for part in ("line 3", "b.avi", "split1", "'training'", "train, test, unlabelled"):
        assert part in str(failure.value)


def test_missing_columns_are_named(tmp_path):
    table(tmp_path, "", header="video,label,split1\n")

    with pytest.raises(DatasetError, match="columns group, few1 are missing; found video, label"):
        list_videos(tmp_path, OPTIONS)


def test_a_row_without_a_video_is_named(tmp_path):
    table(tmp_path, ",jump,g1,train,\n")

    with pytest.raises(DatasetError, match="line 2: expected a path"):
        list_videos(tmp_path, OPTIONS)


def test_splits_come_from_the_stanza():
    assert split_names(OPTIONS) == ("split1", "few1")


def test_real_clips(shared_data):
    root = shared_data / "ut_interaction"
    listing = list_videos(root, OPTIONS)

    assert (len(listing.videos), len(listing.problems)) == (120, 0)
    assert Counter(video.label for video in listing.videos) == dict.fromkeys(
        ["handshake", "hug", "kick", "point", "punch", "push"], 20
    )
    assert Counter(video.roles["split1"] for video in listing.videos) == {"train": 84, "test": 36}
