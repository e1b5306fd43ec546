import numpy as np
import pytest

from pipelines.clustering.granularity import UnitsConfig, make_units
from pipelines.io.errors import ConfigError


def units_of(granularity, features, percentile=50.0):
    """Units of clips of 16 frames side by side."""
    first = np.arange(len(features), dtype=np.int64) * 16
    config = UnitsConfig(granularity, percentile)
    return make_units(config, first, first + 15, np.asarray(features, dtype=np.float32))


def spans(units):
    return list(zip(units.first_frame.tolist(), units.last_frame.tolist(), strict=True))


def literal_actionbytes(features, percentile):
    """Equation 4 by loops: segments as lists of clip numbers."""
    steps = [
        sum(abs(float(a) - float(b)) for a, b in zip(features[t], features[t - 1], strict=True))
        for t in range(1, len(features))
    ]
    ordered = sorted(steps)
    place = percentile / 100 * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    tau = ordered[low] + (place - low) * (ordered[high] - ordered[low])
    segments = [[0]]
    for t in range(1, len(features)):
        if steps[t - 1] > tau + 1e-9:
            segments.append([t])
        else:
            segments[-1].append(t)
    return segments


def test_clips_are_units_as_they_are():
    features = [[1.0, 2.0], [3.0, 4.0]]

    units = units_of("clip", features)

    assert spans(units) == [(0, 15), (16, 31)]
    np.testing.assert_array_equal(units.features, np.float32(features))


def test_a_video_is_the_mean_of_its_clips():
    units = units_of("video", [[1.0, 2.0], [3.0, 4.0], [8.0, 0.0]])

    assert spans(units) == [(0, 47)]
    np.testing.assert_allclose(units.features, [[4.0, 2.0]])


@pytest.mark.parametrize(
    ("num_clips", "expected"),
    [
        (1, [(0, 15)]),
        (2, [(0, 15), (16, 31)]),
        (3, [(0, 15), (16, 31), (32, 47)]),
        (5, [(0, 31), (32, 63), (64, 79)]),
        (6, [(0, 31), (32, 63), (64, 95)]),
    ],
)
def test_thirds_are_equal_parts(num_clips, expected):
    units = units_of("segment-thirds", np.arange(num_clips)[:, None])

    assert spans(units) == expected


def test_thirds_are_means_of_their_clips():
    units = units_of("segment-thirds", [[0.0], [2.0], [10.0], [20.0], [7.0]])

    np.testing.assert_allclose(units.features, [[1.0], [15.0], [7.0]])


def test_actionbytes_cut_where_the_step_is_abrupt():
    # Steps 1, 9, 1, 1: only 9 exceeds the 75th percentile, which is 1.
    units = units_of("segment-actionbytes", [[0.0], [1.0], [10.0], [11.0], [12.0]], 75.0)

    assert spans(units) == [(0, 31), (32, 79)]
    np.testing.assert_allclose(units.features, [[0.5], [11.0]])


def test_actionbytes_measure_steps_by_the_l1_norm():
    # L1 steps 4, 5; L2 steps 2.8, 5: with p = 0 tau is the smallest, so the other one cuts.
    units = units_of("segment-actionbytes", [[0.0, 0.0], [2.0, 2.0], [2.0, 7.0]], 0.0)

    assert spans(units) == [(0, 31), (32, 47)]


@pytest.mark.parametrize("percentile", [0.0, 30.0, 50.0, 90.0, 100.0])
@pytest.mark.parametrize("num_clips", [2, 3, 17])
def test_actionbytes_equal_the_literal_equation(percentile, num_clips):
    features = np.random.default_rng(num_clips).normal(size=(num_clips, 6)).astype(np.float32)

    units = units_of("segment-actionbytes", features, percentile)

    segments = literal_actionbytes(features, percentile)
    assert spans(units) == [(16 * part[0], 16 * part[-1] + 15) for part in segments]
    means = [features[part].mean(axis=0) for part in segments]
    np.testing.assert_allclose(units.features, means, rtol=1e-5, atol=1e-6)


def test_the_highest_percentile_and_a_still_video_give_one_segment():
    features = np.random.default_rng(0).normal(size=(9, 4))

    assert len(units_of("segment-actionbytes", features, 100.0).features) == 1
    assert len(units_of("segment-actionbytes", np.ones((9, 4)), 50.0).features) == 1


@pytest.mark.parametrize("granularity", ["clip", "segment-actionbytes", "segment-thirds", "video"])
def test_one_clip_is_one_unit(granularity):
    assert spans(units_of(granularity, [[5.0]])) == [(0, 15)]


def test_overlapping_clips_keep_their_spans():
    first = np.array([0, 4, 8, 12])
    units = make_units(UnitsConfig("segment-thirds", 50), first, first + 7, np.ones((4, 2), "f4"))

    assert spans(units) == [(0, 11), (8, 15), (12, 19)]


def test_unknown_granularity_lists_the_choices():
    with pytest.raises(ConfigError, match="segment-actionbytes, segment-thirds, video"):
        units_of("segment", [[1.0]])


@pytest.mark.parametrize("percentile", [-1.0, 101.0])
def test_percentile_out_of_range_is_refused(percentile):
    with pytest.raises(ConfigError, match="percentile"):
        units_of("clip", [[1.0]], percentile)


def test_spans_must_match_features():
    with pytest.raises(ValueError, match="as many spans"):
        make_units(UnitsConfig("clip", 50), np.arange(2), np.arange(2), np.ones((3, 1), "f4"))
