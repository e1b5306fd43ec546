import numpy as np
import pytest

from pipelines.encoding.descriptor_sample import DescriptorReservoir, choose_videos

IDS = [f"set/v{number:03d}" for number in range(200)]


def numbered(count, start=0):
    return np.arange(start, start + count, dtype=np.float32)[:, None]


def drawn(total, size, with_replacement, video_id="v", seed=0, batch=7):
    reservoir = DescriptorReservoir(video_id, size, with_replacement, seed)
    for start in range(0, total, batch):
        reservoir.add(numbered(min(batch, total - start), start))
    assert reservoir.num_seen == total
    return reservoir.finish()[:, 0]


def test_the_choice_depends_on_ids_and_seed_alone():
    chosen = choose_videos(IDS, 20, seed=1)

    assert len(chosen) == 20
    assert choose_videos(reversed(IDS), 20, seed=1) == chosen
    assert choose_videos(IDS, 20, seed=2) != chosen
    assert choose_videos(IDS[:5], 20, seed=1) == frozenset(IDS[:5])


def test_an_added_video_replaces_at_most_one():
    chosen = choose_videos(IDS, 20, seed=1)

    for number in range(50):
        more = choose_videos([*IDS, f"new/{number}"], 20, seed=1)
        assert len(chosen - more) <= 1
        assert more - chosen <= {f"new/{number}"}


def test_every_video_is_chosen_about_equally_often():
    counts = dict.fromkeys(IDS, 0)
    for seed in range(500):
        for video_id in choose_videos(IDS, 20, seed):
            counts[video_id] += 1

    # Binomial(500, 0.1): mean 50, deviation 6.7.
    assert 20 < min(counts.values()) <= max(counts.values()) < 85


def test_without_replacement_takes_none_twice_and_all_of_few():
    many, few = drawn(100, 10, False), drawn(6, 10, False)

    assert len(set(many.tolist())) == 10
    assert few.tolist() == [0, 1, 2, 3, 4, 5]


def test_with_replacement_always_fills_the_sample():
    assert len(drawn(100, 10, True)) == 10
    assert set(drawn(1, 10, True).tolist()) == {0.0}


@pytest.mark.parametrize("with_replacement", [True, False])
@pytest.mark.parametrize("batch", [1, 7, 30])
def test_is_uniform_over_the_stream(with_replacement, batch):
    counts = np.zeros(30)
    for seed in range(600):
        rows = drawn(30, 5, with_replacement, seed=seed, batch=batch)
        counts += np.bincount(rows.astype(int), minlength=30)

    # 3000 draws over 30 places: mean 100, deviation about 10.
    assert np.abs(counts - 100).max() < 45
    assert ((counts - 100) ** 2 / 100).sum() < 60


def test_seed_and_video_decide():
    first = drawn(100, 10, True)

    np.testing.assert_array_equal(first, drawn(100, 10, True))
    assert not np.array_equal(first, drawn(100, 10, True, video_id="w"))
    assert not np.array_equal(first, drawn(100, 10, True, seed=1))


def test_holds_no_more_than_the_sample():
    reservoir = DescriptorReservoir("v", 10, False, 0)
    for start in range(0, 10_000, 1000):
        reservoir.add(numbered(1000, start))

        assert reservoir.finish().shape == (10, 1)


def test_nothing_offered_is_an_error_and_empty_batches_are_none():
    reservoir = DescriptorReservoir("v", 10, True, 0)
    reservoir.add(numbered(0))

    with pytest.raises(ValueError, match="no descriptor"):
        reservoir.finish()
