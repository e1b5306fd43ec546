from pathlib import Path

import pytest

from pipelines.data.manifest import Problem, read_problems, write_problems
from pipelines.data.shard_index import index_shards
from pipelines.io.errors import TooManySkippedError
from pipelines.io.options import IndexOptions

MODULE = "pipelines.frames.index_frames"


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two shards, which are texts with an id a line, and a table with six skipped videos."""
    for number, ids in enumerate(("b", "c\na")):
        (tmp_path / f"{number}.txt").write_text(ids)
    (tmp_path / "shards.txt").write_text("\n".join(str(tmp_path / f"{n}.txt") for n in (0, 1)))
    skipped = [Problem(f"bad{n}", "decode_frames", "empty", "no bytes") for n in range(6)]
    write_problems(tmp_path / "part.parquet", skipped, {})
    (tmp_path / "tables.txt").write_text(str(tmp_path / "part.parquet"))
    return tmp_path


def index(folder: Path) -> None:
    options = IndexOptions(
        folder / "shards.txt",
        folder / "tables.txt",
        folder / "index.txt",
        folder / "skipped.parquet",
    )

    def rows(shards):
        return [video_id for path in shards for video_id in path.read_text().split()]

    def write(path, found, stamp):
        path.write_text(" ".join([*found, stamp["module"]]))

    index_shards(options, MODULE, "decode_frames", rows, write)


def test_rows_of_all_shards_and_skipped_videos_are_written(folder, monkeypatch):
    monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", "0.7")

    index(folder)

    assert (folder / "index.txt").read_text() == f"b c a {MODULE}"
    assert len(read_problems(folder / "skipped.parquet", "anything")) == 6


def test_too_many_skipped_videos_fail_and_the_first_five_are_named(folder, monkeypatch):
    monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", "0.6")

    with pytest.raises(TooManySkippedError, match="6 of 9") as caught:
        index(folder)

    assert "bad4 (empty)" in str(caught.value)
    assert "bad5" not in str(caught.value)
    assert not (folder / "index.txt").exists()
    assert not (folder / "skipped.parquet").exists()
