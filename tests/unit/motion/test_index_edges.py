import argparse
from pathlib import Path

import numpy as np
import pytest

from pipelines.data.manifest import Problem, read_problems, write_problems
from pipelines.motion.edge_index_store import read_edge_index
from pipelines.motion.edge_store import EdgeSettings, EdgeShardWriter
from pipelines.motion.index_edges import build_parser, main


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two shards with three videos, three skipped ones."""
    settings = EdgeSettings("edges", 2, "tvl1", "", (4, 4))
    for number, ids in enumerate((["b"], ["c", "a"])):
        with EdgeShardWriter(tmp_path / f"{number}.h5", settings, {}) as writer:
            for video_id in ids:
                maps = [np.full((1, 4, 4), value, np.float32) for value in (1, 4)]
                writer.add(video_id, 10.0, maps)
    skipped = [Problem(f"bad{n}", "extract_edges", "short", "no map") for n in range(3)]
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

    assert read_edge_index(folder / "index.parquet") == [
        ("b", 0, 4, 2, 2.5),
        ("c", 1, 4, 2, 2.5),
        ("a", 1, 4, 2, 2.5),
    ]
    assert len(read_problems(folder / "skipped.parquet", "index_edges")) == 3
