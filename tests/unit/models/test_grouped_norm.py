import pytest
import torch
from torch import nn

from pipelines.models.grouped_norm import forward_in_groups, forward_shuffled, shuffled_order

CLIPS = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))

EVERYTHING = slice(0, 8)


def normalised(rows: torch.Tensor) -> torch.Tensor:
    """BatchNorm in training, written out."""
    return (rows - rows.mean(0)) / (rows.var(0, unbiased=False) + 1e-5).sqrt()


def alone(rows: torch.Tensor) -> torch.Tensor:
    return rows


def test_each_group_has_statistics_of_its_own():
    found = forward_in_groups(nn.BatchNorm1d(3), CLIPS, 4)

    expected = torch.cat([normalised(CLIPS[i : i + 2]) for i in range(0, 8, 2)])
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(forward_in_groups(nn.BatchNorm1d(3), CLIPS, 1), normalised(CLIPS))


def test_a_shuffled_clip_shares_statistics_with_its_group_and_comes_back_in_place():
    order = torch.tensor([5, 2, 7, 0, 1, 6, 4, 3])

    found = forward_shuffled(nn.BatchNorm1d(3), CLIPS, 2, order, EVERYTHING, alone)

    for group in (order[:4], order[4:]):
        torch.testing.assert_close(found[group], normalised(CLIPS[group]))


def test_without_batch_norm_shuffling_changes_nothing():
    network, order = nn.Linear(3, 2), shuffled_order(8, 3)

    torch.testing.assert_close(
        forward_shuffled(network, CLIPS, 4, order, EVERYTHING, alone), network(CLIPS)
    )


def test_two_processes_give_the_rows_of_one_with_as_many_groups():
    order = shuffled_order(8, 1)
    expected = forward_shuffled(nn.BatchNorm1d(3), CLIPS, 4, order, EVERYTHING, alone)
    # What each process holds when it gathers: its clips first, its embeddings then.
    parts = [
        forward_in_groups(nn.BatchNorm1d(3), CLIPS[order[own]], 2)
        for own in (slice(0, 4), slice(4, 8))
    ]

    for rank in (0, 1):
        held = iter([CLIPS, torch.cat(parts)])
        found = forward_shuffled(
            nn.BatchNorm1d(3),
            CLIPS[4 * rank : 4 * rank + 4],
            2,
            order,
            slice(4 * rank, 4 * rank + 4),
            lambda rows, held=held: next(held),
        )
        torch.testing.assert_close(found, expected[4 * rank : 4 * rank + 4])


def test_orders_are_permutations_that_follow_from_the_seed():
    orders = [shuffled_order(50, seed) for seed in (1, 1, 2)]

    assert sorted(orders[0].tolist()) == list(range(50))
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])


@pytest.mark.parametrize("num_groups", [0, 3])
def test_unequal_groups_are_refused(num_groups):
    with pytest.raises(ValueError, match="divisor"):
        forward_in_groups(nn.BatchNorm1d(3), CLIPS, num_groups)


def test_an_order_of_another_length_is_refused():
    with pytest.raises(ValueError, match="order of 8"):
        forward_shuffled(nn.BatchNorm1d(3), CLIPS, 2, shuffled_order(4, 0), EVERYTHING, alone)
