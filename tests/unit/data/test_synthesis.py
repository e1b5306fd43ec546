import msgspec
import numpy as np
import pytest

from pipelines.data.synthesis import (
    Difficulty,
    draw_family,
    draw_motion_name,
    render_video,
)
from pipelines.data.synthetic_motion import ACTIONS, OTHERS
from pipelines.data.synthetic_plan import PlannedVideo

CLEAN = Difficulty(
    sprite_radius_px=(10.0, 10.0),
    pan_px_per_second=0.0,
    jitter_px=0.0,
    background_contrast=0.0,
    active_fraction=(1.0, 1.0),
    distractor_probabilities=(1.0,),
    noise_levels=0.0,
    blur_px=0.0,
)


def video(label: str, index: int = 0) -> PlannedVideo:
    return PlannedVideo(label, label, "g01", "train", (7, index), (7, 99))


def sprite_centres(frames: np.ndarray) -> np.ndarray:
    """Centroid (x, y) of what differs from the plain background, per frame."""
    corner = frames[:, :1, :1].astype(int)
    inside = np.abs(frames.astype(int) - corner).sum(axis=3) > 30
    ys, xs = np.indices(inside.shape[1:])
    area = inside.sum(axis=(1, 2))
    return np.stack([(inside * xs).sum((1, 2)) / area, (inside * ys).sum((1, 2)) / area], 1)


@pytest.mark.parametrize(("label", "axis", "sign"), [("rise", 1, -1), ("fall", 1, 1)])
def test_rendered_sprite_moves_as_its_class_says(label, axis, sign):
    frames = render_video(video(label), 12, 120, 160, 25.0, CLEAN)
    speed = np.diff(sprite_centres(frames), axis=0) * 25

    assert 30 < sign * speed[:, axis].mean() < 62
    assert abs(speed[:, 1 - axis]).mean() < 4


def test_grow_covers_more_pixels_each_frame():
    frames = render_video(video("grow"), 12, 120, 160, 25.0, CLEAN)
    area = (np.abs(frames.astype(int) - frames[:, :1, :1]).sum(axis=3) > 30).sum(axis=(1, 2))

    assert area[-1] > 1.5 * area[0]


def test_same_video_same_pixels_and_other_seed_other_pixels():
    first = render_video(video("spin"), 3, 32, 48, 25.0, Difficulty())

    assert first.shape == (3, 32, 48, 3)
    assert first.dtype == np.uint8
    np.testing.assert_array_equal(first, render_video(video("spin"), 3, 32, 48, 25.0, Difficulty()))
    other = render_video(video("spin", index=1), 3, 32, 48, 25.0, Difficulty())
    assert np.abs(first.astype(int) - other).mean() > 3


def test_pan_moves_the_scene_by_the_camera_speed():
    panned = msgspec.structs.replace(
        CLEAN, pan_px_per_second=50.0, background_contrast=1.0, sprite_radius_px=(1.0, 1.0)
    )
    frames = render_video(video("rise"), 5, 64, 96, 25.0, panned).astype(float)

    def mismatch(x: int, y: int) -> float:
        core = frames[0, 24:40, 24:72]
        return float(np.abs(frames[4, 24 + y : 40 + y, 24 + x : 72 + x] - core).mean())

    shifts = [(x, y) for x in range(-9, 10) for y in range(-9, 10)]
    best = min(shifts, key=lambda shift: mismatch(*shift))
    assert best != (0, 0)
    assert mismatch(*best) < 0.3 * mismatch(0, 0)


def test_unlabelled_motions_are_mostly_classes():
    rng = np.random.default_rng(0)
    names = [draw_motion_name(rng) for _ in range(4000)]

    share = np.mean([name in ACTIONS for name in names])
    # Binomial standard error 0.007; four of them.
    assert abs(share - 0.7) < 0.03
    assert set(names) == set(ACTIONS) | set(OTHERS)


def test_appearance_agrees_with_the_class_as_often_as_asked():
    rng = np.random.default_rng(0)
    agreeing = np.mean([draw_family("orbit", 0.5, rng) == 8 for _ in range(4000)])

    # Half agree on purpose and a tenth of the rest by chance.
    assert abs(agreeing - 0.55) < 0.03
    assert len({draw_family("static", 1.0, rng) for _ in range(200)}) == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"distractor_probabilities": (0.5, 0.4)},
        {"distractor_probabilities": ()},
        {"active_fraction": (0.0, 1.0)},
        {"sprite_radius_px": (40.0, 30.0)},
        {"p_appearance_is_class": 1.5},
    ],
)
def test_difficulty_names_the_wrong_key(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Difficulty(**wrong)
