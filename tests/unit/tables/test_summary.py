import math

import pytest
from scipy import stats

from pipelines.tables.summary import Repeat, compare, paired_gap, summarise


def test_one_value_has_no_spread():
    assert summarise({Repeat("split1", 0): 50.0}) == (50.0, None, None, None, 1, 1, 1)


def test_over_seeds_where_there_is_one_split():
    found = summarise(
        {Repeat("split1", 0): 1.0, Repeat("split1", 1): 2.0, Repeat("split1", 2): 6.0}
    )

    # Deviations -2, -1, 3: variance 14 / 2.
    assert found[:2] == (3.0, pytest.approx(math.sqrt(7)))
    assert (found.num_splits, found.num_seeds, found.num_draws) == (1, 3, 1)
    # Two degrees of freedom: 4.3027.
    assert found.high - 3.0 == pytest.approx(4.302653 * math.sqrt(7 / 3))
    assert found.low + found.high == pytest.approx(6.0)


def test_over_splits_of_the_mean_over_seeds():
    values = {
        Repeat("split1", 0): 10.0,
        Repeat("split1", 1): 30.0,
        Repeat("split2", 0): 40.0,
        Repeat("split2", 1): 44.0,
        Repeat("split3", 0): 59.0,
        Repeat("split3", 1): 57.0,
    }

    # Means 20, 42, 58; their mean 40; deviations -20, 2, 18: variance 728 / 2.
    found = summarise(values)
    assert found[:2] == (40.0, pytest.approx(math.sqrt(364)))
    assert (found.num_splits, found.num_seeds, found.num_draws) == (3, 2, 1)
    # Means of the seeds 109 / 3 and 131 / 3; one degree of freedom: 12.7062.
    assert found.high - 40.0 == pytest.approx(12.706205 * 11 / 3)


def test_draws_are_repeats_as_seeds_are():
    values = {Repeat("a", 0, draw): float(value) for draw, value in enumerate((1, 2, 6))}
    found = summarise(values | {Repeat("a", 1, draw): 3.0 for draw in range(3)})

    assert (found.mean, found.num_splits, found.num_seeds, found.num_draws) == (3.0, 1, 2, 3)
    # Deviations -2, -1, 3, 0, 0, 0: variance 14 / 5 of six repeats; t of five degrees: 2.5706.
    assert found.high - 3.0 == pytest.approx(2.570582 * math.sqrt(14 / 5 / 6))


def test_no_run_or_unequal_seeds_are_refused():
    with pytest.raises(ValueError, match="at least one run"):
        summarise({})
    with pytest.raises(ValueError, match="same seeds and draws for every split"):
        summarise({Repeat("split1", 0): 1.0, Repeat("split2", 1): 1.0})


def test_pairs_are_counted_where_they_differ():
    right = [True, True, True, False, False]
    other = [True, False, False, True, False]

    assert compare(right, other) == (pytest.approx(20.0), 2, 1)
    assert compare(other, right) == (pytest.approx(-20.0), 1, 2)


def test_pairs_must_be_aligned():
    with pytest.raises(ValueError, match="zip"):
        compare([True], [True, False])
    with pytest.raises(ValueError, match="found none"):
        compare([], [])


def test_the_gap_is_the_mean_over_seeds_of_the_mean_over_splits():
    top1 = {Repeat("a", 0): 60.0, Repeat("b", 0): 70.0, Repeat("a", 1): 50.0, Repeat("b", 1): 54.0}
    base = {Repeat("a", 0): 50.0, Repeat("b", 0): 60.0, Repeat("a", 1): 50.0, Repeat("b", 1): 50.0}

    gap = paired_gap(top1, base)

    # Seeds 10 and 2: mean 6, deviation sqrt(32), half width 12.7062 * sqrt(32 / 2).
    assert gap.mean == pytest.approx(6.0)
    assert gap.high - gap.mean == pytest.approx(12.7062 * 4, rel=1e-4)
    assert gap.mean - gap.low == pytest.approx(gap.high - gap.mean)


def test_three_seeds_have_the_interval_of_a_peer():
    gaps = [1.0, 2.0, 6.0]
    interval = stats.ttest_1samp(gaps, 0.0).confidence_interval()

    gap = paired_gap(
        {Repeat("a", seed): value + 5.0 for seed, value in enumerate(gaps)},
        {Repeat("a", seed): 5.0 for seed in range(3)},
    )

    assert (gap.low, gap.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_one_seed_has_no_interval():
    assert paired_gap({Repeat("a", 0): 3.0}, {Repeat("a", 0): 1.0}) == (2.0, None, None)


def test_gaps_need_the_same_splits_and_seeds():
    with pytest.raises(ValueError, match="same splits and seeds"):
        paired_gap({Repeat("a", 0): 3.0}, {Repeat("a", 1): 1.0})
    with pytest.raises(ValueError, match="same splits and seeds"):
        paired_gap({}, {})
