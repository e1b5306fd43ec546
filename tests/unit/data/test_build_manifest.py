import logging
from dataclasses import replace

import pytest

from pipelines.data.build_manifest import build_parser, main
from pipelines.data.manifest import (
    ProbedVideo,
    Problem,
    read_manifest,
    read_problems,
    write_manifest,
    write_problems,
)
from pipelines.io.errors import DatasetError, TooManySkippedError


def video(video_id, checksum=None, **roles):
    return ProbedVideo(
        video_id,
        f"{video_id}.avi",
        "jump",
        None,
        roles or {"s": "train"},
        0,
        1.0,
        12.0,
        24,
        32,
        12,
        9,
        checksum or video_id,
    )


def problem(video_id, kind="missing"):
    return Problem(video_id, "list_videos", kind, "a reason")


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Run the command on shards of videos and one table of problems."""

    def run(shards, problems, limit=0.5, more=()):
        for number, videos in enumerate(shards):
            write_manifest(tmp_path / f"{number}.parquet", videos, {})
        write_problems(tmp_path / "listed.parquet", problems, {})
        paths = "".join(f"{tmp_path}/{number}.parquet\n" for number in range(len(shards)))
        (tmp_path / "probed.txt").write_text(paths)
        tables = [tmp_path / "listed.parquet", *more]
        (tmp_path / "problems.txt").write_text("".join(f"{path}\n" for path in tables))
        monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", str(limit))
        arguments = ["--probed-list", f"{tmp_path}/probed.txt"]
        arguments += ["--problems-list", f"{tmp_path}/problems.txt"]
        arguments += ["--out", f"{tmp_path}/out/manifest.parquet"]
        arguments += ["--problems", f"{tmp_path}/out/problems.parquet"]
        arguments += ["--report", f"{tmp_path}/out/report.md"]
        main(build_parser().parse_args(arguments))
        return tmp_path / "out"

    return run


def test_shards_are_joined_and_sorted(build):
    out = build([[video("b")], [], [video("a"), video("c")]], [])

    assert [item.video_id for item in read_manifest(out / "manifest.parquet")] == ["a", "b", "c"]
    assert read_problems(out / "problems.parquet", "build_manifest") == []


def test_up_to_the_limit_problems_are_reported_only(build):
    out = build([[video("a")]], [problem("b")], limit=0.5)

    assert read_problems(out / "problems.parquet", "build_manifest") == [problem("b")]
    assert "missing: 1" in (out / "report.md").read_text()


def test_over_the_limit_counts_and_first_five_are_named(build, tmp_path):
    problems = [problem(f"p{number}") for number in range(6)] + [problem("a0", "truncated")]

    with pytest.raises(TooManySkippedError) as failure:
        build([[video("z")]], problems, limit=0.5)

    message = str(failure.value)
    assert "7 of 8 videos cannot be used (6 missing, 1 truncated)" in message
    assert all(name in message for name in ("a0", "p0", "p1", "p2", "p3"))
    assert "p4" not in message
    assert not (tmp_path / "out").exists()


def test_the_tables_are_named_whose_loss_has_repaired_files_looked_at_again(build, tmp_path):
    other = tmp_path / "other.parquet"
    write_problems(other, [problem("x", "unlisted")], {})

    with pytest.raises(TooManySkippedError) as failure:
        build([[]], [problem("p", "truncated")], more=[other])

    assert str(failure.value).endswith(f"delete what names the video: {tmp_path}/listed.parquet")


def test_unlisted_videos_and_duplicates_do_not_count(build):
    problems = [problem(f"p{number}", "unlisted") for number in range(6)]

    out = build([[video("a")]], problems, limit=0.0)

    assert len(read_problems(out / "problems.parquet", "build_manifest")) == 6


def test_duplicates_are_kept_and_reported(build, caplog):
    with caplog.at_level(logging.INFO):
        out = build([[video("a", "1"), video("b", "1")]], [], limit=0.0)

    assert len(read_manifest(out / "manifest.parquet")) == 2
    (found,) = read_problems(out / "problems.parquet", "build_manifest")
    assert (found.video_id, found.kind) == ("b", "duplicate")
    assert found.detail == "same content as a"
    assert "WARNING" not in (out / "report.md").read_text()
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_duplicates_across_train_and_test_are_prominent(build, caplog):
    out = build([[video("a", "1", s="train"), video("b", "1", s="test")]], [])

    assert len(read_manifest(out / "manifest.parquet")) == 2
    (found,) = read_problems(out / "problems.parquet", "build_manifest")
    assert found.detail == "same content as a; both trained and tested on in s"
    assert "**WARNING: 1 duplicate files" in (out / "report.md").read_text()
    assert "WARNING: 1 duplicate files" in caplog.text


def test_a_group_on_both_sides_of_a_split_is_told(build, caplog):
    sides = (("a", "train"), ("b", "test"))

    out = build([[replace(video(name, s=role), group="g1") for name, role in sides]], [])

    told = "1 in s (g1)"
    assert told in (out / "report.md").read_text()
    assert told in caplog.text


@pytest.mark.parametrize("problems", [[], [problem("a", "unlisted")]])
def test_a_dataset_without_videos_is_refused(build, problems):
    with pytest.raises(DatasetError, match="no video"):
        build([[]], problems, limit=1.0)


def test_a_dataset_without_usable_videos_is_refused_at_any_limit(build):
    with pytest.raises(TooManySkippedError, match="1 of 1 videos"):
        build([[]], [problem("a")], limit=1.0)
