"""A watch over a pretraining: how well its features tell the classes of labelled videos.

Nothing is learned from the labels and no checkpoint is chosen by the score. The videos are
training videos of the split, so that no test label is looked at while methods are developed; a
quarter of them, whole recording groups where these are known, asks the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.io.errors import ConfigError
from pipelines.io.lists import read_paths
from pipelines.training.clip_sources import open_clip_source, read_labelled_videos
from pipelines.training.engine import NO_MEASURES, Measure
from pipelines.training.neighbour_score import neighbour_score

# Share of the videos whose class is asked for, and the seed of their choice: one for all runs, so
# that the scores of two runs compare.
ASKED_SHARE = 0.25
SEED = 0
SCORE_NAME = "neighbour_top1"


class NeighbourConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose labels are watched.

    Attributes:
        dataset: A labelled dataset.
        split: One of its splits; only its training videos are read.
    """

    dataset: str
    split: str


@dataclass(frozen=True)
class WatchedFiles:
    """Where the labelled videos are.

    Attributes:
        manifest: Of the dataset.
        index: List of its frame indices.
        frames: List of its frame shards.
    """

    manifest: Path
    index: Path
    frames: Path

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files that determine the score."""
        return (self.manifest, *read_paths(self.index), *read_paths(self.frames))


def neighbour_watch(
    config: NeighbourConfig | None, files: WatchedFiles | None, clips: ClipConfig
) -> Mapping[str, Measure]:
    """Measures for `engine.train`: `neighbour_top1`, or none where none is asked for.

    Args:
        config: Whose labels, or None.
        files: Where they are, or None.
        clips: How clips are cut.

    Raises:
        ConfigError: If there is one without the other.
        DatasetError: If the split has too few usable training videos.
    """
    if (config is None) != (files is None):
        raise ConfigError(
            "neighbour_score and --watched-manifest, --watched-index, --watched-frames belong "
            "together: give all of them or none"
        )
    if config is None or files is None:
        return NO_MEASURES
    source = open_clip_source(files.index, files.frames, None)
    videos = read_labelled_videos(files.manifest, config.split, source, ASKED_SHARE, SEED)
    score = neighbour_score(source, videos.train, videos.validation, videos.label, clips)
    return {SCORE_NAME: score}
