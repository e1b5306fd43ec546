import numpy as np
import pytest

from pipelines.data.synthetic_motion import (
    ACTIONS,
    AMPLITUDE_PX,
    GROWTH_SHARE_OF_SPEED,
    MOTIONS,
    OTHERS,
    SPEED_PX_PER_SECOND,
    Trajectory,
    draw_trajectory,
)

FPS = 25.0


def draw(name: str, seed: int = 0, active_fraction: float = 1.0) -> Trajectory:
    rng = np.random.default_rng(seed)
    return draw_trajectory(name, 40.0, 50, FPS, active_fraction, rng)


def test_ten_actions_and_six_others():
    assert ACTIONS == (
        "slide_h", "rise", "fall", "spin", "grow", "shrink", "sway", "bounce", "orbit", "pulse",
    )  # fmt: skip
    assert OTHERS == ("diag", "shake", "rock", "spiral", "zigzag", "static")


@pytest.mark.parametrize(
    ("name", "axis", "sign"), [("rise", "y", -1), ("fall", "y", 1), ("slide_h", "x", None)]
)
def test_translations_run_at_constant_speed_along_one_axis(name, axis, sign):
    path = draw(name)
    velocity = np.diff(getattr(path, axis)) * FPS

    np.testing.assert_allclose(velocity, velocity[0])
    assert SPEED_PX_PER_SECOND[0] <= abs(velocity[0]) <= SPEED_PX_PER_SECOND[1]
    assert sign is None or np.sign(velocity[0]) == sign
    np.testing.assert_array_equal(getattr(path, "y" if axis == "x" else "x"), 0)


@pytest.mark.parametrize(("name", "sign"), [("grow", 1), ("shrink", -1)])
def test_grow_and_shrink_change_only_the_radius(name, sign):
    path = draw(name)
    rate = np.diff(path.radius) * FPS * sign / GROWTH_SHARE_OF_SPEED

    np.testing.assert_allclose(rate, rate[0])
    assert SPEED_PX_PER_SECOND[0] <= rate[0] <= SPEED_PX_PER_SECOND[1]
    assert not path.x.any()
    assert not path.y.any()
    assert not path.rotation.any()


def test_orbit_keeps_its_distance_from_the_centre():
    path = draw("orbit")
    distance = np.hypot(path.x, path.y)

    np.testing.assert_allclose(distance, distance[0])
    assert AMPLITUDE_PX[0] <= distance[0] <= AMPLITUDE_PX[1]


def test_bounce_turns_sharply_at_the_floor_and_sway_stays_horizontal():
    bounce, sway = draw("bounce"), draw("sway")

    assert abs(bounce.y).max() <= AMPLITUDE_PX[1]
    # At the floor (greatest y) the velocity jumps from down to up: two to three accelerations
    # stand out, all of them upward (negative).
    acceleration = np.diff(bounce.y, 2)
    assert abs(acceleration.min()) > 3 * acceleration.max()
    assert not sway.y.any()
    assert np.ptp(sway.x) > 1.9 * AMPLITUDE_PX[0]


@pytest.mark.parametrize("name", ["slide_h", "spin", "orbit"])
def test_handed_motions_go_in_either_direction(name):
    def handedness(seed: int) -> float:
        path = draw(name, seed)
        swept = path.x[:-1] * path.y[1:] - path.x[1:] * path.y[:-1]
        parts = (path.x[-1] - path.x[0], path.rotation[-1], swept.sum())
        return float(np.sign(parts[{"slide_h": 0, "spin": 1, "orbit": 2}[name]]))

    assert {handedness(seed) for seed in range(12)} == {-1.0, 1.0}


@pytest.mark.parametrize("name", MOTIONS)
def test_sprite_rests_outside_the_active_window(name):
    path = draw(name, seed=3, active_fraction=0.4)
    pose = np.stack([path.x, path.y, path.rotation, path.radius])
    moving = np.abs(np.diff(pose)).sum(axis=0) > 1e-12

    assert moving.sum() <= 0.4 * 50 + 1
    assert moving.any() == (name != "static")


def test_radius_stays_visible_however_long_it_shrinks():
    path = draw_trajectory("shrink", 5.0, 500, FPS, 1.0, np.random.default_rng(0))

    assert path.radius.min() == 2.0


def test_rejects_unknown_motion_and_share():
    with pytest.raises(ValueError, match="slide_h"):
        draw("jump")
    with pytest.raises(ValueError, match="active_fraction"):
        draw("rise", active_fraction=0.0)
