import numpy as np
import pytest

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.figures.shown_clip import flow_length, middle_clip
from pipelines.frames.frame_store import FrameStore
from pipelines.motion.flow_store import FlowStore
from tests.tiny_dataset import CLIPS, NUM_FRAMES, SIZE, TEST

CONFIG = ClipConfig(**{**CLIPS, "rgb_mean": (0.4, 0.5, 0.6), "rgb_std": (0.2, 0.25, 0.3)})
SIDE = CLIPS["crop_px"]
TOP, LEFT = (SIZE[0] - SIDE) // 2, (SIZE[1] - SIDE) // 2
WINDOW = slice(TOP, TOP + SIDE), slice(LEFT, LEFT + SIDE)
# The clip of four frames in the middle of ten.
FIRST = (NUM_FRAMES - CLIPS["num_frames"]) // 2


def test_the_picture_is_the_clips_middle_frame_in_its_window(tiny_dataset):
    store = FrameStore([tiny_dataset.folder / "frames.h5"])

    clip, picture = middle_clip(TEST[0], store, CONFIG)

    assert clip.shape == (1, 3, CLIPS["num_frames"], SIDE, SIDE)
    stored = store.read(TEST[0], np.array([FIRST + CLIPS["num_frames"] // 2]))[0]
    np.testing.assert_array_equal(picture, stored[WINDOW])


def test_the_flow_is_that_of_the_same_clip_and_window(tiny_dataset):
    store = FlowStore([tiny_dataset.folder / "flow.h5"])
    [view] = ViewDataset([TEST[0]], None, store, CONFIG, num_clips=1)[0]["flow"].numpy()

    found = flow_length(TEST[0], store, CONFIG)

    assert found.shape == (SIDE, SIDE)
    expected = 4.0 * np.sqrt(view[0] ** 2 + view[1] ** 2).mean(0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    # The bar moves 2 px a frame.
    assert found.mean() == pytest.approx(2, abs=0.3)
