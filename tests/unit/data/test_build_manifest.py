import json
import logging
from dataclasses import replace

import pytest

from pipelines.data import build_manifest
from pipelines.data.build_manifest import build_parser, main
from pipelines.data.listing import Listing
from pipelines.data.manifest import (
    ProbedFile,
    ProbedVideo,
    Problem,
    Video,
    read_manifest,
    read_problems,
    write_probed,
    write_problems,
)
from pipelines.io.errors import ConfigError, DatasetError, TooManySkippedError

FACTS = (1.0, 12.0, 24, 32, 12, 9)


def video(video_id, **roles):
    return Video(video_id, f"{video_id}.avi", "jump", None, roles or {"s": "train"})


def file(video_id, checksum=None, shard=0):
    return ProbedFile(video_id, f"{video_id}.avi", shard, *FACTS, checksum or video_id)


def problem(video_id, kind="missing"):
    return Problem(video_id, "list_videos", kind, "a reason")


def unusable(video_id, kind="truncated"):
    return Problem(video_id, "probe_videos", kind, "a reason")


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Run the command on a listing, and what was probed of it in one or more shards."""

    def run(videos, shards=None, problems=(), skipped=(), limit=0.5, config=None):
        shards = [[file(video.video_id) for video in videos]] if shards is None else shards
        listing = Listing(videos, problems)
        monkeypatch.setattr(build_manifest, "list_videos", lambda name, stanza: listing)
        for number, files in enumerate(shards):
            write_probed(tmp_path / f"{number}.parquet", files, {})
        write_problems(tmp_path / "skipped.parquet", skipped, {})
        write_problems(tmp_path / "none.parquet", [], {})
        paths = "".join(f"{tmp_path}/{number}.parquet\n" for number in range(len(shards)))
        (tmp_path / "probed.txt").write_text(paths)
        (tmp_path / "problems.txt").write_text(
            f"{tmp_path}/none.parquet\n{tmp_path}/skipped.parquet"
        )
        monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", str(limit))
        arguments = ["--config", config or json.dumps({"adapter": "folder"}), "--dataset", "mine"]
        arguments += ["--probed-list", f"{tmp_path}/probed.txt"]
        arguments += ["--problems-list", f"{tmp_path}/problems.txt"]
        arguments += ["--out", f"{tmp_path}/out/manifest.parquet"]
        arguments += ["--problems", f"{tmp_path}/out/problems.parquet"]
        arguments += ["--report", f"{tmp_path}/out/report.md"]
        main(build_parser().parse_args(arguments))
        return tmp_path / "out"

    return run


def test_annotations_and_files_are_joined_by_id(build):
    listed = [video("a"), video("b", s="test", t="train"), video("c")]
    out = build(listed, [[file("c", shard=0)], [], [file("b", shard=2), file("a", shard=2)]])

    found = read_manifest(out / "manifest.parquet")

    assert [item.video_id for item in found] == ["a", "b", "c"]
    assert found[1] == ProbedVideo(
        "b", "b.avi", "jump", None, {"s": "test", "t": "train"}, 2, *FACTS, "b"
    )
    assert read_problems(out / "problems.parquet", "build_manifest") == []


def test_videos_without_a_usable_file_are_left_out(build):
    out = build([video("a"), video("b")], [[file("a")]], skipped=[unusable("b")])

    assert [item.video_id for item in read_manifest(out / "manifest.parquet")] == ["a"]
    assert read_problems(out / "problems.parquet", "build_manifest") == [unusable("b")]


def test_videos_that_came_since_planning_are_refused(build, tmp_path):
    # That the table has two rows of it is no reason to do without its file.
    twice = [problem("b", "duplicate")]
    with pytest.raises(DatasetError, match="1 videos have come since this run was planned"):
        build([video("a"), video("b")], [[file("a")]], problems=twice)
    assert not (tmp_path / "out").exists()


def test_a_wrong_stanza_is_refused(build):
    with pytest.raises(ConfigError, match="Input data was truncated"):
        build([video("a")], config='{"adapter": ')


def test_up_to_the_limit_problems_are_reported_only(build):
    out = build([video("a")], problems=[problem("b")], limit=0.5)

    assert read_problems(out / "problems.parquet", "build_manifest") == [problem("b")]
    assert "missing: 1" in (out / "report.md").read_text()


def test_over_the_limit_nothing_is_written(build, tmp_path):
    with pytest.raises(TooManySkippedError, match=r"1 of 2 videos cannot be used \(1 truncated\)"):
        build([video("z"), video("a")], [[file("z")]], skipped=[unusable("a")], limit=0.4)
    assert not (tmp_path / "out").exists()


def test_unlisted_videos_and_duplicates_do_not_count(build):
    problems = [problem(f"p{number}", "unlisted") for number in range(6)]

    out = build([video("a")], problems=problems, limit=0.0)

    assert len(read_problems(out / "problems.parquet", "build_manifest")) == 6


def test_duplicates_are_kept_and_reported(build, caplog):
    with caplog.at_level(logging.INFO):
        out = build([video("a"), video("b")], [[file("a", "1"), file("b", "1")]], limit=0.0)

    assert len(read_manifest(out / "manifest.parquet")) == 2
    (found,) = read_problems(out / "problems.parquet", "build_manifest")
    assert (found.video_id, found.kind) == ("b", "duplicate")
    assert found.detail == "same content as a"
    assert "WARNING" not in (out / "report.md").read_text()
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_duplicates_across_train_and_test_are_prominent(build, caplog):
    listed = [video("a", s="train"), video("b", s="test")]
    out = build(listed, [[file("a", "1"), file("b", "1")]])

    assert len(read_manifest(out / "manifest.parquet")) == 2
    (found,) = read_problems(out / "problems.parquet", "build_manifest")
    assert found.detail == "same content as a; both trained and tested on in s"
    assert "**WARNING: 1 duplicate files" in (out / "report.md").read_text()
    assert "WARNING: 1 duplicate files" in caplog.text


def test_a_group_on_both_sides_of_a_split_is_told(build, caplog):
    sides = (("a", "train"), ("b", "test"))

    out = build([replace(video(name, s=role), group="g1") for name, role in sides])

    told = "1 in s (g1)"
    assert told in (out / "report.md").read_text()
    assert told in caplog.text
