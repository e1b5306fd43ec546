import argparse
from pathlib import Path

import pytest

from pipelines.data.manifest import Problem, read_problems, write_problems
from pipelines.frames.index_frames import build_parser, main
from pipelines.frames.index_store import read_frame_index


@pytest.fixture
def folder(tmp_path, write_shard) -> Path:
    """Two shards with three videos, six skipped ones."""
    write_shard(tmp_path / "0.h5", ["b/ü"])
    write_shard(tmp_path / "1.h5", ["c", "a/1"])
    skipped = [Problem(f"bad{n}", "decode_frames", "empty", "no bytes") for n in range(6)]
    write_problems(tmp_path / "0.parquet", skipped[:2], {})
    write_problems(tmp_path / "1.parquet", skipped[2:], {})
    for suffix in ("h5", "parquet"):
        lines = [str(tmp_path / f"{n}.{suffix}") for n in (0, 1)]
        (tmp_path / f"{suffix}.txt").write_text("\n".join(lines))
    return tmp_path


def arguments(folder: Path) -> argparse.Namespace:
    return build_parser().parse_args(
        [
            *("--shards-list", str(folder / "h5.txt")),
            *("--skipped-list", str(folder / "parquet.txt")),
            *("--out", str(folder / "index.parquet")),
            *("--skipped", str(folder / "skipped.parquet")),
        ]
    )


def test_videos_and_skipped_of_all_shards_are_listed(folder, monkeypatch):
    monkeypatch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", "0.7")

    main(arguments(folder))

    assert read_frame_index(folder / "index.parquet") == [
        ("b/ü", 0, 14),
        ("c", 1, 23),
        ("a/1", 1, 5),
    ]
    assert len(read_problems(folder / "skipped.parquet", "index_frames")) == 6
