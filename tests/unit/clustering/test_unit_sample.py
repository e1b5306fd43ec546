import numpy as np
import pytest

from pipelines.clustering.unit_sample import UnitSample

VIDEOS = {f"v{number:03d}": 1 + number % 7 for number in range(60)}


def draw(order, max_units, seed=0):
    """Sample of units whose one feature is video number * 100 + place."""
    sample = UnitSample(max_units, seed)
    for video_id in order:
        rows = np.arange(VIDEOS[video_id], dtype=np.float32) + 100 * int(video_id[1:])
        sample.add(video_id, rows[:, None])
    return sample


def test_without_a_limit_everything_is_kept_by_video_and_time():
    sample = draw(reversed(VIDEOS), None)

    features = sample.finish()[:, 0]

    assert len(features) == sum(VIDEOS.values()) == sample.num_seen
    assert (np.diff(features) > 0).all()


@pytest.mark.parametrize("limit", [1, 10, 100, 1000])
def test_the_limit_is_met_exactly(limit):
    features = draw(VIDEOS, limit).finish()[:, 0]

    assert len(set(features.tolist())) == len(features) == min(limit, sum(VIDEOS.values()))


def test_the_order_of_videos_does_not_matter():
    shuffled = np.random.default_rng(0).permutation(list(VIDEOS)).tolist()

    np.testing.assert_array_equal(draw(VIDEOS, 20).finish(), draw(shuffled, 20).finish())


def test_another_seed_draws_others():
    assert not np.array_equal(draw(VIDEOS, 20, seed=0).finish(), draw(VIDEOS, 20, seed=1).finish())


def test_every_unit_is_equally_likely():
    total, limit, draws = sum(VIDEOS.values()), 60, 80
    counts = np.zeros(6000)
    for seed in range(draws):
        counts[draw(VIDEOS, limit, seed).finish()[:, 0].astype(int)] += 1
    drawn = np.concatenate([counts[100 * n : 100 * n + s] for n, s in enumerate(VIDEOS.values())])
    share = limit / total

    # Six binomial deviations.
    assert np.abs(drawn / draws - share).max() < 6 * (share * (1 - share) / draws) ** 0.5


def test_a_sample_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no unit"):
        UnitSample(3, 0).finish()
