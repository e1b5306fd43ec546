import argparse
from pathlib import Path

import numpy as np
import pytest

from pipelines.data.manifest import Problem, read_problems, write_problems
from pipelines.trajectories.index_tracks import build_parser, main
from pipelines.trajectories.track_index_store import read_track_index
from pipelines.trajectories.track_store import TrackShardWriter
from pipelines.trajectories.tracks import TrackBatch


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two shards with three videos, three skipped ones."""
    for number, counts in enumerate(({"b": 2}, {"c": 3, "a": 0})):
        with TrackShardWriter(tmp_path / f"{number}.h5", {}) as writer:
            for video_id, count in counts.items():
                info, rows = np.zeros((count, 10)), np.zeros((count, 426))
                writer.add(video_id, [TrackBatch(*map(np.float32, (info, rows)))])
    skipped = [Problem(f"bad{n}", "track_trajectories", "short", "no track") for n in range(3)]
    write_problems(tmp_path / "0.parquet", skipped[:1], {})
    write_problems(tmp_path / "1.parquet", skipped[1:], {})
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

    assert read_track_index(folder / "index.parquet") == [
        ("b", 0, 2),
        ("c", 1, 3),
        ("a", 1, 0),
    ]
    assert len(read_problems(folder / "skipped.parquet", "index_tracks")) == 3
