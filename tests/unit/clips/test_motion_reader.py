import msgspec
import numpy as np
import pytest

from pipelines.clips.motion_reader import MotionClipConfig, MotionReader
from pipelines.clips.transforms import Crop
from pipelines.io.errors import ConfigError, ContractError
from pipelines.motion.edge_store import EdgeSettings, EdgeShardWriter, EdgeStore
from tests.unit.clips.conftest import GAP, LENGTHS, write_maps

CROPS = [Crop(0, 0, 12, False), Crop(2, 6, 12, False)]


@pytest.mark.parametrize(
    ("kind", "channels", "scale", "sign"),
    [("edges", 1, 10, 1), ("frame-difference", 1, 255, 1), ("raw-flow", 2, 5, -1)],
)
def test_every_kind_of_map_is_read_on_its_own_scale(
    tmp_path, motion_config, kind, channels, scale, sign
):
    store = write_maps(tmp_path / "maps.h5", kind)
    reader = MotionReader(store, motion_config, flow_scale_px=5.0)

    clips = reader.read("long", np.array([2, 19]), CROPS)

    assert clips.shape == (2, channels, 6, 12, 12)
    assert clips.dtype == np.float32
    frames = np.array([[2, 4, 6, 8, 10, 12], [19, 21, 23, 25, 27, 29]])
    stored = frames / 4 if kind != "frame-difference" else np.rint(frames / 4)
    expected = np.clip(sign * stored / scale, -1, 1)
    np.testing.assert_allclose(clips[:, 0, :, 0, 0], expected, atol=0.51 / 25.5 / 10)
    assert (clips == clips[..., :1, :1]).all()


def test_the_crop_is_cut_out_of_the_map(tmp_path, motion_config):
    values = np.arange(14 * 18, dtype=np.float32).reshape(1, 14, 18) / 64
    with EdgeShardWriter(
        tmp_path / "maps.h5", EdgeSettings("raw-flow", GAP, "", "", (14, 18)), {}
    ) as writer:
        writer.add("a", 10.0, [np.concatenate([values, -values])] * 9)
    reader = MotionReader(EdgeStore([tmp_path / "maps.h5"]), motion_config, 10.0)

    clips = reader.read("a", np.array([2, 2]), CROPS)

    for clip, crop in zip(clips, CROPS, strict=True):
        expected = values[0, crop.top : crop.top + 12, crop.left : crop.left + 12] / 10
        np.testing.assert_allclose(clip[0, 3], expected, rtol=1e-6)
        np.testing.assert_allclose(clip[1, 3], -expected, rtol=1e-6)


def test_candidates_move_enough_and_a_still_video_keeps_its_best(maps, motion_config):
    reader = MotionReader(maps, motion_config, 8.0)

    # A clip from s has the mean (s + 5) / 4: 3 or more from frame 7 on; 19 is the last start.
    assert reader.candidates("long").tolist() == list(range(7, 20))
    # Eight maps, frames 2 to 9, for a span of eleven: one looping clip.
    assert reader.candidates("exact").tolist() == [2]
    clip = reader.read("exact", np.array([2]), CROPS[:1])
    np.testing.assert_allclose(clip[0, 0, :, 0, 0] * 40, [2, 4, 6, 8, 2, 4], atol=0.1)


def test_crops_stand_anywhere_and_are_never_mirrored(maps, motion_config):
    reader = MotionReader(maps, motion_config, 8.0)

    crops = reader.random_crops(np.random.default_rng(0), "long", 300)

    assert {(c.top, c.left) for c in crops} == {(t, n) for t in range(3) for n in range(7)}
    assert not any(c.is_flipped for c in crops)


def test_what_does_not_fit_is_refused_by_name(maps, motion_config):
    reader = MotionReader(maps, motion_config, 8.0)

    reader.check(LENGTHS.items())
    with pytest.raises(KeyError, match="nobody is in no edge shard"):
        reader.check([("nobody", 5)])
    with pytest.raises(ContractError, match=r"long has 31 stored frames.*for 30"):
        reader.check([("long", 31)])
    with pytest.raises(ConfigError, match=r"14 x 18 px.*crop of 15 px"):
        MotionReader(maps, msgspec.structs.replace(motion_config, crop_px=15), 8.0).check(
            LENGTHS.items()
        )
    with pytest.raises(ValueError, match="flow_scale_px"):
        MotionReader(maps, motion_config, 0.0)


@pytest.mark.parametrize(
    "changes", [{"num_frames": 0}, {"threshold": -0.1}, {"pairing": "shuffled"}, {"gamma": 1}]
)
def test_senseless_settings_are_refused(motion_config, changes):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(motion_config) | changes, MotionClipConfig)
