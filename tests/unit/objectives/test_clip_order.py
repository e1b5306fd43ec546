import itertools
import math

import pytest
import torch

from pipelines.objectives.clip_order import (
    combined_loss,
    order_loss,
    orders_of,
    permutations,
    shuffled,
)


def test_orders_of_three_clips_are_lexicographic():
    expected = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]

    assert permutations(3).tolist() == expected


def test_an_order_needs_two_clips():
    with pytest.raises(ValueError, match="at least 2 clips, found 1"):
        permutations(1)


def test_clips_are_shown_as_the_order_says():
    clips = torch.arange(4)[None, :, None].expand(24, 4, 1) + 10 * torch.arange(24)[:, None, None]

    shown = shuffled(clips, torch.arange(24))

    for number, order in enumerate(itertools.permutations(range(4))):
        assert shown[number, :, 0].tolist() == [10 * number + clip for clip in order]


def test_the_first_order_leaves_clips_alone():
    clips = torch.randn(2, 3, 5)

    assert torch.equal(shuffled(clips, torch.zeros(2, dtype=torch.int64)), clips)


def test_orders_follow_from_seeds_and_are_uniform():
    seeds = torch.randint(0, 2**62, (6000,), generator=torch.Generator().manual_seed(0))

    orders = orders_of(seeds, 3)

    assert torch.equal(orders, orders_of(seeds, 3))
    counts = torch.bincount(orders, minlength=6)
    # 1000 expected, deviation 29: five deviations.
    assert len(counts) == 6
    assert (counts - 1000).abs().max() < 145


def test_order_loss_is_the_mean_negative_log_likelihood():
    logits = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    orders = torch.tensor([0, 5, 2, 2])
    total = 0.0
    for row, order in zip(logits.tolist(), orders.tolist(), strict=True):
        total -= row[order] - math.log(sum(math.exp(value) for value in row))

    assert float(order_loss(logits, orders)) == pytest.approx(total / 4, rel=1e-5)


@pytest.mark.parametrize(("weight", "expected"), [(1.0, 2.0), (0.0, 6.0), (0.25, 5.0)])
def test_equation_two(weight, expected):
    assert float(combined_loss(torch.tensor(2.0), torch.tensor(6.0), weight)) == expected


@pytest.mark.parametrize("weight", [-0.1, 1.1])
def test_a_weight_out_of_range_is_refused(weight):
    with pytest.raises(ValueError, match=r"lambda must be in \[0, 1\]"):
        combined_loss(torch.tensor(1.0), torch.tensor(1.0), weight)
