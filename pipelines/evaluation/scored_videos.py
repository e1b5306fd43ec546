"""Which labelled videos are predicted: those of the test, or those that training held out."""

from pathlib import Path

from pipelines.io.errors import ConfigError, DatasetError
from pipelines.training.clip_sources import LabelledVideos


def scored_videos(videos: LabelledVideos, role: str, manifest: Path, split: str) -> list[str]:
    """Ids to predict.

    Args:
        videos: Of the split.
        role: "test", or "validation" for a sweep.
        manifest: Named in the error.
        split: Named in the error.

    Raises:
        DatasetError: If the split has no usable test video.
        ConfigError: If no video is held out for validation.
    """
    if role == "test":
        if not videos.test:
            raise DatasetError(f"{manifest}: split {split} has no usable test video")
        return videos.test
    if not videos.validation:
        raise ConfigError(
            "validation.fraction holds out no video; a sweep needs validation videos, set "
            "validation.fraction in its overrides"
        )
    return videos.validation
