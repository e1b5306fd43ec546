import math

import pytest
import torch

from pipelines.objectives.local_aggregation import (
    background_neighbours,
    close_neighbours,
    local_aggregation_loss,
)

TAU = 0.07


def unit_rows(count, size, seed):
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(count, size, generator=generator, dtype=torch.float64)
    return rows / rows.norm(dim=1, keepdim=True)


def loss_of(embeddings, bank, clusters, index, num_neighbours, temperature=TAU):
    similarity = embeddings @ bank.T
    neighbours = background_neighbours(similarity, num_neighbours)
    close = close_neighbours(clusters, index, neighbours)
    return local_aggregation_loss(similarity.gather(1, neighbours), close, temperature)


def double_loop(embeddings, bank, clusters, index, num_neighbours, temperature=TAU):
    """Equations 2 to 4 as printed, with the sum over all videos left in."""
    total = 0.0
    for clip, own in zip(embeddings, index.tolist(), strict=True):
        everything = sum(math.exp(float(clip @ row) / temperature) for row in bank)
        order = sorted(range(len(bank)), key=lambda n: float((clip - bank[n]).norm()))
        near = near_and_close = 0.0
        for video in order[:num_neighbours]:
            probability = math.exp(float(clip @ bank[video]) / temperature) / everything
            near += probability
            if any(labels[video] == labels[own] for labels in clusters.tolist()):
                near_and_close += probability
        total -= math.log(near_and_close / near + 1e-7)
    return total / len(embeddings)


@pytest.mark.parametrize(
    ("num_videos", "num_neighbours", "num_clusters", "num_clusterings"),
    [(12, 5, 3, 2), (12, 12, 4, 1), (20, 1, 2, 3), (30, 10, 8, 3)],
)
def test_equals_the_double_loop(num_videos, num_neighbours, num_clusters, num_clusterings):
    generator = torch.Generator().manual_seed(num_videos)
    shape = (num_clusterings, num_videos)
    clusters = torch.randint(num_clusters, shape, generator=generator)
    index = torch.randint(num_videos, (6,), generator=generator)
    embeddings, bank = unit_rows(6, 8, 0), unit_rows(num_videos, 8, 1)

    loss = loss_of(embeddings, bank, clusters, index, num_neighbours)

    expected = double_loop(embeddings, bank, clusters, index, num_neighbours)
    assert float(loss) == pytest.approx(expected)


def test_one_cluster_of_all_costs_nothing():
    embeddings, bank = unit_rows(3, 4, 0), unit_rows(6, 4, 1)

    loss = loss_of(embeddings, bank, torch.zeros(1, 6).long(), torch.tensor([0, 1, 2]), 4)

    assert float(loss) == pytest.approx(-math.log(1 + 1e-7), abs=1e-12)


def test_equal_similarities_cost_the_log_of_the_close_share():
    close = torch.tensor([[True, False, False, False], [True, True, False, False]])

    loss = local_aggregation_loss(torch.full((2, 4), 0.3).double(), close, TAU)

    assert float(loss) == pytest.approx((math.log(4) + math.log(2)) / 2, abs=1e-6)


def test_singletons_and_all_rows_give_instance_recognition():
    # Every video alone in its cluster and all of them near: Equation 2.
    embeddings, bank, index = unit_rows(4, 6, 0), unit_rows(7, 6, 1), torch.tensor([6, 0, 3, 3])

    loss = loss_of(embeddings, bank, torch.arange(7)[None], index, 7, temperature=1.0)

    log_share = torch.log_softmax(embeddings @ bank.T, dim=1)[torch.arange(4), index]
    assert float(loss) == pytest.approx(float(-log_share.mean()), rel=1e-5)


def test_a_shared_cluster_in_one_clustering_is_enough():
    clusters = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 2]])
    neighbours = torch.tensor([[3, 2, 1, 0], [0, 1, 2, 3]])

    found = close_neighbours(clusters, torch.tensor([0, 3]), neighbours)

    assert found.tolist() == [[False, True, True, True], [False, False, True, True]]


def test_nearest_rows_are_taken_and_the_own_row_is_not_forced_in():
    bank = torch.eye(4)
    embeddings = torch.tensor([[0.0, 0.8, 0.6, 0.0]])

    found = background_neighbours(embeddings @ bank.T, 2)

    assert set(found[0].tolist()) == {1, 2}


def test_no_close_neighbour_costs_a_constant_without_gradient():
    similarity = torch.tensor([[0.9, 0.1]], requires_grad=True)

    loss = local_aggregation_loss(similarity, torch.zeros(1, 2, dtype=torch.bool), TAU)
    loss.backward()

    assert float(loss.detach()) == pytest.approx(-math.log(1e-7))
    assert similarity.grad.abs().max() == 0


def test_gradient_pulls_close_and_pushes_other_neighbours():
    similarity = torch.zeros(1, 3, requires_grad=True)

    local_aggregation_loss(similarity, torch.tensor([[True, False, False]]), TAU).backward()

    # d/ds of -ln softmax, up to the 1e-7: (share - close) / tau.
    expected = torch.tensor([[1 / 3 - 1, 1 / 3, 1 / 3]]) / TAU
    assert torch.allclose(similarity.grad, expected, atol=1e-4)


def test_finding_neighbours_has_no_gradient():
    similarity = torch.rand(2, 5, requires_grad=True)

    assert not background_neighbours(similarity, 3).requires_grad


@pytest.mark.parametrize("count", [0, 6])
def test_more_neighbours_than_videos_are_refused(count):
    with pytest.raises(ValueError, match=f"expected 1 to 5 neighbours .* found {count}"):
        background_neighbours(torch.zeros(2, 5), count)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="expected clusters"):
        close_neighbours(torch.zeros(5).long(), torch.zeros(2).long(), torch.zeros(2, 3).long())
    with pytest.raises(ValueError, match="of one shape"):
        local_aggregation_loss(torch.zeros(2, 3), torch.zeros(2, 4, dtype=torch.bool), TAU)
