import errno
import os
from dataclasses import replace

import pytest

from pipelines.data.manifest import Video, shard_of
from pipelines.data.planned_lists import (
    ListedFile,
    ListedVideo,
    encode_list,
    read_files,
    read_videos,
    shard_files,
    split_videos,
)
from pipelines.io.errors import ContractError

NUM_SHARDS = 4


def video(name, **roles):
    return Video(f"mine/{name}", f"{name}.mp4", "jump", None, roles or {"split1": "train"})


@pytest.fixture
def videos(tmp_path):
    """30 videos of one byte."""
    names = [f"v{number:02d}" for number in range(30)]
    for name in names:
        (tmp_path / f"{name}.mp4").write_text("1")
    return [video(name) for name in names]


def changed_shards(before, after):
    return [number for number in range(NUM_SHARDS) if before[number] != after[number]]


def test_every_video_stands_in_its_shard_in_the_order_given(videos, tmp_path):
    shards = shard_files(videos, str(tmp_path), NUM_SHARDS)

    assert sorted(file for shard in shards for file in shard) == [
        ListedFile(video.video_id, video.path, 1) for video in videos
    ]
    for number, shard in enumerate(shards):
        assert shard == sorted(shard)
        assert {shard_of(file.video_id, NUM_SHARDS) for file in shard} == {number}


@pytest.mark.parametrize("change", ["added", "resized", "removed"])
def test_a_changed_video_changes_its_own_shard_only(videos, tmp_path, change):
    before = shard_files(videos, str(tmp_path), NUM_SHARDS)
    after, name = [*videos], "v07"
    if change == "added":
        name = "new"
        after.append(video(name))
    elif change == "resized":
        (tmp_path / "v07.mp4").write_text("12")
    else:
        del after[7]

    found = shard_files(after, str(tmp_path), NUM_SHARDS)

    assert changed_shards(before, found) == [shard_of(f"mine/{name}", NUM_SHARDS)]


def test_labels_groups_roles_and_times_change_nothing(videos, tmp_path):
    before = shard_files(videos, str(tmp_path), NUM_SHARDS)
    others = [Video(v.video_id, v.path, None, "g1", {"few": "unlabelled"}) for v in videos]
    os.utime(tmp_path / "v07.mp4", (1, 1))

    assert shard_files(others, str(tmp_path), NUM_SHARDS) == before


def test_a_file_that_is_missing_or_out_of_reach_has_no_size(videos, tmp_path, monkeypatch):
    stat = os.stat

    def denied(path, *args, **kwargs):
        if str(path).endswith("v07.mp4"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return stat(path, *args, **kwargs)

    (tmp_path / "v08.mp4").unlink()
    monkeypatch.setattr(os, "stat", denied)

    (files,) = shard_files(videos, str(tmp_path), 1)

    assert [file.path for file in files if file.size_bytes is None] == ["v07.mp4", "v08.mp4"]


def test_files_that_a_rule_makes_have_no_size_before_and_after(videos):
    (files,) = shard_files(videos, None, 1)

    assert [file.size_bytes for file in files] == [None] * len(videos)


def test_absolute_paths_are_taken_as_they_are(tmp_path):
    (tmp_path / "x.mp4").write_text("123")
    lone = Video("mine/x", str(tmp_path / "x.mp4"), None, None, {"all": "train"})

    assert shard_files([lone], "elsewhere", 1) == [[ListedFile("mine/x", lone.path, 3)]]


def test_videos_are_listed_by_split_with_their_role_there(videos):
    first = Video("mine/v00", "v00.mp4", "jump", "g1", {"s": "train", "few": "unlabelled"})

    found = split_videos([first, video("v01", s="test")], ["s", "few", "none"])

    assert found == {
        "s": [
            ListedVideo("mine/v00", "jump", "g1", "train"),
            ListedVideo("mine/v01", "jump", None, "test"),
        ],
        "few": [ListedVideo("mine/v00", "jump", "g1", "unlabelled")],
        "none": [],
    }


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"roles": {"s": "test"}}, {"s"}),
        ({"roles": {"s": "train", "t": "test"}}, {"t"}),
        ({"roles": {}}, {"s"}),
        ({"label": "run"}, {"s"}),
        ({"group": "g2"}, {"s"}),
        ({"path": "b.mp4"}, set()),
    ],
    ids=["role", "another split", "no split", "label", "group", "file"],
)
def test_a_list_of_a_split_changes_with_its_own_videos_alone(change, changed):
    first, other = video("a", s="train"), video("b", t="train", s="test")
    before = split_videos([first, other], "st")

    after = split_videos([replace(first, **change), other], "st")

    assert {split for split in before if after[split] != before[split]} == changed


def test_lists_are_read_as_written(tmp_path):
    files = [ListedFile('mine/a "b"', "ä\n.mp4", 3), ListedFile("mine/c", "c.mp4", None)]
    listed = [
        ListedVideo("mine/a", "jump", None, "train"),
        ListedVideo("mine/b", None, "g", "test"),
    ]
    (tmp_path / "files.json").write_text(encode_list(files))
    (tmp_path / "videos.json").write_text(encode_list(listed))

    assert read_files(tmp_path / "files.json") == files
    assert read_videos(tmp_path / "videos.json") == listed
    assert encode_list(files) == encode_list([*files])


@pytest.mark.parametrize("read", [read_files, read_videos])
@pytest.mark.parametrize("text", [None, "[", '[["a", "a.mp4"]]', '[["a", 1, 2]]', "\udcff"])
def test_other_files_are_refused(tmp_path, text, read):
    path = tmp_path / "list.json"
    if text is not None:
        path.write_text(text, errors="surrogateescape")

    with pytest.raises(ContractError, match=r"list\.json: expected a list of .* run the same"):
        read(path)
