"""A manifest of Kinetics' size."""

import functools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.data.manifest import (
    MANIFEST_SCHEMA,
    ProbedVideo,
    read_manifest,
    shard_of,
    write_manifest,
)
from tests.benchmarks.contest import Benchmark, Contest, rate
from tests.benchmarks.stage import run_stage

NUM_VIDEOS = 240_000
NUM_CLASSES = 400
NUM_SHARDS = 480


@functools.cache
def _videos() -> list[ProbedVideo]:
    return [_video(number) for number in range(NUM_VIDEOS)]


def _video(number: int) -> ProbedVideo:
    label = f"class_{number % NUM_CLASSES:03d}"
    video_id = f"kinetics400/train/{label}/{number:011d}_000010_000020"
    return ProbedVideo(
        video_id=video_id,
        path=f"train/{label}/{number:011d}_000010_000020.mp4",
        label=label,
        group=f"{number:011d}",
        roles={"split1": "train"},
        shard=shard_of(video_id, NUM_SHARDS),
        duration_seconds=10.0,
        fps=30.0,
        height=240,
        width=320,
        num_frames=300,
        size_bytes=1_000_000 + number,
        checksum=f"{number:064x}",
    )


def writing(folder: Path) -> Contest:
    """write_manifest against pyarrow from the same rows."""
    rows = [{name: getattr(video, name) for name in MANIFEST_SCHEMA.names} for video in _videos()]
    for row in rows:
        row["roles"] = list(row["roles"].items())

    def peer() -> None:
        table = pa.Table.from_pylist(rows, schema=MANIFEST_SCHEMA)
        pq.write_table(table, folder / "plain.parquet")

    return Contest(
        rate(lambda: write_manifest(folder / "manifest.parquet", _videos(), {}), NUM_VIDEOS),
        rate(peer, NUM_VIDEOS),
        repetitions=3,
    )


def reading(folder: Path) -> Contest:
    """read_manifest, to records, against pyarrow's rows."""
    path = folder / "manifest.parquet"
    if not path.exists():
        write_manifest(path, _videos(), {})
    return Contest(
        rate(lambda: read_manifest(path), NUM_VIDEOS),
        rate(lambda: pq.read_table(path).to_pylist(), NUM_VIDEOS),
        repetitions=3,
    )


BENCHMARKS = (
    Benchmark(
        name="data: write a manifest of 240,000 videos",
        peer="pyarrow from_pylist and write_table",
        unit="rows/s",
        set_up=writing,
    ),
    Benchmark(
        name="data: read a manifest of 240,000 videos",
        peer="pyarrow read_table and to_pylist",
        unit="rows/s",
        set_up=reading,
    ),
)

if __name__ == "__main__":
    run_stage(BENCHMARKS)
