"""Manifest shards whose videos have planted trajectories, and calls of the encoding commands."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines.data.manifest import ProbedFile, Problem, write_probed, write_problems
from pipelines.data.source_store import write_source
from pipelines.encoding import encode_fisher, fit_encoder, sample_descriptors, track_source
from pipelines.trajectories.boxes_store import write_boxes
from pipelines.trajectories.track_store import TrackShardWriter
from pipelines.trajectories.tracks import NUM_DESCRIPTORS, TrackBatch

NUM_FRAMES = 9
TRACKS = {"tracks": {}, "max_height_px": 100}
SAMPLE = {"num_videos": 6, "num_descriptors": 40, "with_replacement": False}
GMM = {
    "num_components": 3,
    "num_restarts": 2,
    "num_iterations": 30,
    "tolerance": 1e-4,
    "variance_floor": 1e-6,
}
FISHER = {"form": "paper", "power": 0.5, "max_tracks": None, "keep_unsketched": False}
BASIS = np.random.default_rng(99).normal(size=(5, NUM_DESCRIPTORS)).astype(np.float32)


def planted_tracks(number):
    """Descriptors of one video, batch by batch: five directions, few rows per frame.

    They are whole in float16, so that the full dump keeps them exactly.
    """
    rng = np.random.default_rng(number)
    for index in range(1, NUM_FRAMES):
        rows = rng.normal(size=(4 + index, 5)) + 2 * np.eye(5)[number % 3]
        yield (rows @ BASIS).astype(np.float16).astype(np.float32)


def planted_trajectories(video, root, parameters, max_height_px, boxes):
    """Stands in for `stream_trajectories`: the video's id tells its number."""
    assert (root, max_height_px) == (Path("videos"), 100)
    assert boxes.boxes_of(video.video_id, 1.0) == []
    number = int(video.video_id[-2:])
    if number == 7:
        return  # A video without any motion.
    yield from planted_batches(number)


def planted_batches(number):
    """Tracks of a video, by the frame that they end in; video 8 has a NaN."""
    for index, batch in enumerate(planted_tracks(number)):
        if number == 8:
            batch[0, 3] = np.nan
        yield TrackBatch(np.full((len(batch), 10), index, np.float32), batch)


def probed(video_id):
    size = (1.0, 25.0, 24, 32, NUM_FRAMES, 1)
    return ProbedFile(video_id, f"{video_id}.avi", 0, *size, "0" * 64)


class Workspace:
    """Two shards of five videos; video 7 has no tracks, video 8 has NaN.

    Attributes:
        kind: Where descriptors come from, see `pipelines.encoding.track_source`.
    """

    def __init__(self, folder):
        self.folder, self.kind = folder, "computed"
        self.numbers = {f"set/v{number:02d}": number for number in range(10)}
        self.shards = ["a", "b"]
        for part, shard in enumerate(self.shards):
            videos = [probed(name) for name in list(self.numbers)[5 * part : 5 * part + 5]]
            write_probed(folder / f"probed-{shard}.parquet", videos, {})
        write_boxes(folder / "boxes.parquet", [], {})
        write_source(folder / "source.parquet", dict.fromkeys(self.numbers), {})

    def store_tracks(self, failed=()):
        """The full dump of both shards; videos that failed stand in its skipped table."""
        for part, shard in enumerate(self.shards):
            problems = []
            with TrackShardWriter(self.folder / f"tracks-{shard}.h5", {}) as writer:
                for number in range(5 * part, 5 * part + 5):
                    video_id = f"set/v{number:02d}"
                    if number in failed:
                        row = Problem(video_id, "track_trajectories", "short", "3 frames")
                        problems.append(row)
                    else:
                        writer.add(video_id, planted_batches(number) if number != 7 else [])
            write_problems(self.folder / f"untracked-{shard}.parquet", problems, {})
        self.kind = "stored"

    def tracks(self, shard):
        """Options that say where tracks come from."""
        if self.kind == "computed":
            return {"root": "videos", "boxes": self.folder / "boxes.parquet"}
        return {
            "tracks": self.folder / f"tracks-{shard}.h5",
            "untracked": self.folder / f"untracked-{shard}.parquet",
        }

    def sample(self, shard="a", seed=0, **changes):
        common = {**TRACKS, "descriptors": self.kind, "seed": seed}
        config = {**common, "sample": {**SAMPLE, **changes}}
        out = self.folder / f"sample-{shard}.h5"
        self.call(
            sample_descriptors,
            config,
            videos=self.folder / f"probed-{shard}.parquet",
            **self.tracks(shard),
            source=self.folder / "source.parquet",
            out=out,
            skipped=self.folder / f"sample-skipped-{shard}.parquet",
        )
        return out

    def fit(self, limit=1.0, variance=0.9, seed=0, **changes):
        config = {"pca": {"variance": variance}, "gmm": {**GMM, **changes}, "seed": seed}
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PIPELINE_MAX_SKIPPED_FRACTION", str(limit))
            self.call(
                fit_encoder,
                config,
                samples_list=self.listed("sample", "h5"),
                skipped_list=self.listed("sample-skipped", "parquet"),
                out=self.folder / "encoder.h5",
            )
        return self.folder / "encoder.h5"

    def encode(self, shard="a", seed=0, size=16, **changes):
        config = {
            **TRACKS,
            "descriptors": self.kind,
            "fisher": {**FISHER, **changes},
            "sketch": {"size": size},
            "seed": seed,
        }
        out = self.folder / f"vectors-{shard}.h5"
        self.call(
            encode_fisher,
            config,
            videos=self.folder / f"probed-{shard}.parquet",
            **self.tracks(shard),
            encoder=self.folder / "encoder.h5",
            out=out,
            skipped=self.folder / f"vectors-skipped-{shard}.parquet",
        )
        return out

    def listed(self, name, kind):
        path = self.folder / f"{name}.txt"
        text = "".join(f"{self.folder / f'{name}-{shard}.{kind}'}\n" for shard in self.shards)
        path.write_text(text)
        return path

    def call(self, module, config, **options):
        given = {"config": json.dumps(config), **options}
        texts = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
        module.main(module.build_parser().parse_args(texts))


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    monkeypatch.setattr(track_source, "stream_trajectories", planted_trajectories)
    return Workspace(tmp_path)
