import logging

import numpy as np
import pytest

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.io.errors import DatasetError
from pipelines.training.clip_tuples import long_enough, starts_in_a_row
from tests.tiny_dataset import CLIPS

CONFIG = ClipConfig(**CLIPS)
# Three clips of 4 frames with gaps of 2 need 16 frames.
NUM_FRAMES = {"exact": 16, "short": 15, "long": 99}


def test_only_videos_that_hold_a_whole_tuple_stay(caplog):
    with caplog.at_level(logging.WARNING):
        kept = long_enough(["short", "exact", "long"], NUM_FRAMES, CONFIG, 3, 2, "clip_gap")

    assert kept == ["exact", "long"]
    assert "1 of 3 videos have fewer than the 16 frames that 3 clips in a row need" in caplog.text


def test_nothing_is_said_where_all_stay(caplog):
    assert long_enough(["long"], NUM_FRAMES, CONFIG, 3, 2, "clip_gap") == ["long"]
    assert long_enough([], NUM_FRAMES, CONFIG, 3, 2, "clip_gap") == []
    assert not caplog.records


def test_what_to_change_is_said_where_none_stays():
    with pytest.raises(DatasetError, match=r"none of 1 videos has the 16 frames .* or clip_gap"):
        long_enough(["short"], NUM_FRAMES, CONFIG, 3, 2, "clip_gap")


def test_starts_lie_a_clip_and_a_gap_apart():
    draw = starts_in_a_row(2)

    for seed in range(20):
        starts = draw(np.random.default_rng(seed), 3, 4, 1, 20)
        assert np.diff(starts).tolist() == [6, 6]
        assert 0 <= starts[0] <= 4
