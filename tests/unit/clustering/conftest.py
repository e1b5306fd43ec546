"""Feature shards with planted clusters, and calls of the clustering commands."""

import json

import numpy as np
import pandas as pd
import pytest

from pipelines.clustering import assign_pseudolabels, fit_clusters
from pipelines.clustering.features_store import VideoFeatures, write_features

NUM_CLIPS = 6
UNITS = {"granularity": "clip", "percentile": 50.0}
KMEANS = {
    "num_clusters": 4,
    "num_iterations": 20,
    "init": "k-means++",
    "max_fit_units": 1000,
    "method": "faiss",
    "num_restarts": 1,
}


def planted_video(number):
    """Six clips of 8 frames; the first three lie at one of four corners, the others at the next."""
    rng = np.random.default_rng(number)
    corners = 10 * np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    place = np.array([number % 4] * 3 + [(number + 1) % 4] * 3)
    features = corners[place] + rng.normal(scale=0.1, size=(NUM_CLIPS, 2)).astype(np.float32)
    first = 8 * np.arange(NUM_CLIPS, dtype=np.int64)
    return VideoFeatures(f"v{number:02d}", first, first + 7, features)


class Workspace:
    """A folder with two feature shards of twelve videos, eight of which are the source."""

    def __init__(self, folder):
        self.folder = folder
        self.shards = [folder / "shard-0.h5", folder / "shard-1.h5"]
        self.videos = [planted_video(number) for number in range(12)]
        self.listed = [f"v{number:02d}" for number in range(8)]
        for part, path in enumerate(self.shards):
            write_features(path, self.videos[part::2], 2, {"module": "test"})
        self.write_lists(self.shards, self.listed)

    def write_lists(self, shards, listed):
        (self.folder / "features.txt").write_text("".join(f"{path}\n" for path in shards))
        pd.DataFrame({"video_id": listed}).to_parquet(self.folder / "source.parquet")

    def options(self, config, **more):
        given = {
            "--config": json.dumps(config),
            "--features-list": self.folder / "features.txt",
            "--source": self.folder / "source.parquet",
            **{f"--{name}": value for name, value in more.items()},
        }
        return [str(part) for pair in given.items() for part in pair]

    def fit(self, seed=0, units=UNITS, **changes):
        out = self.folder / "clusters.h5"
        config = {"units": units, "kmeans": {**KMEANS, **changes}}
        options = self.options(config, seed=seed, out=out)
        fit_clusters.main(fit_clusters.build_parser().parse_args(options))
        return out

    def assign(self, units=UNITS):
        options = self.options(
            {"units": units},
            clusters=self.folder / "clusters.h5",
            out=self.folder / "pseudolabels.parquet",
            diagnostics=self.folder / "diagnostics.parquet",
        )
        assign_pseudolabels.main(assign_pseudolabels.build_parser().parse_args(options))
        return self.folder / "pseudolabels.parquet"


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)
