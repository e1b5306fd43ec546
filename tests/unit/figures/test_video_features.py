import numpy as np
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.figures.video_features import middle_frame, video_features
from pipelines.frames.frame_store import FrameStore
from pipelines.models.heads import build_classifier
from tests.tiny_dataset import CLIPS, NUM_FRAMES, TEST

CONFIG = ClipConfig(**{**CLIPS, "rgb_mean": (0.5,) * 3, "rgb_std": (0.25,) * 3})


def test_a_video_s_feature_is_the_mean_of_its_clips(tiny_dataset):
    store = FrameStore([tiny_dataset.folder / "frames.h5"])
    model = build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=1).eval()

    found = video_features(model, TEST, store, CONFIG, 2, torch.device("cpu"))

    views = ViewDataset(TEST, store, None, CONFIG, num_clips=2)
    with torch.inference_mode():
        expected = [model.features(views[index]["rgb"]).mean(dim=0) for index in range(2)]
    np.testing.assert_allclose(found, torch.stack(expected), atol=1e-6)


def test_the_middle_frame_is_shown(tiny_dataset):
    store = FrameStore([tiny_dataset.folder / "frames.h5"])

    frames = store.read(TEST[0], np.arange(NUM_FRAMES))
    assert (middle_frame(store, TEST[0]) == frames[NUM_FRAMES // 2]).all()
