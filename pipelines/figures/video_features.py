"""One feature per video by a trained network, and a frame to show of it.

V videos, D features.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.clips.batches import build_view_loader
from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.frames.frame_store import FrameStore
from pipelines.io.progress import Progress
from pipelines.models.heads import Classifier
from pipelines.training.clip_sources import num_workers

FloatArray = NDArray[np.float32]
ImageArray = NDArray[np.uint8]


@torch.inference_mode()
def video_features(
    model: Classifier,
    video_ids: Sequence[str],
    frames: FrameStore,
    config: ClipConfig,
    num_clips: int,
    device: torch.device,
) -> FloatArray:
    """Mean feature of evenly spaced clips with a centre crop, ``(V, D)``.

    Args:
        model: In evaluation mode, on `device`.
        video_ids: V ids that the store holds.
        frames: Stored frames.
        config: How clips are cut and normalised.
        num_clips: Per video.
        device: Of the network.
    """
    views = ViewDataset(video_ids, frames, None, config, num_clips=num_clips)
    found = []
    with Progress("features", len(video_ids), "videos") as progress:
        for item in build_view_loader(views, num_workers()):
            features = model.features(item["rgb"].to(device)).float().mean(dim=0)
            found.append(features.cpu().numpy())
            progress.advance()
    return np.stack(found)


def middle_frame(frames: FrameStore, video_id: str) -> ImageArray:
    """The frame in the middle of a video, RGB ``(H, W, 3)``."""
    number = frames.num_frames[video_id] // 2
    picture: ImageArray = frames.read(video_id, np.array([number]))[0]
    return picture
