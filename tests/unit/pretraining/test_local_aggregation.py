import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from pipelines.models.memory_bank import MemoryBank
from pipelines.objectives.local_aggregation import (
    background_neighbours,
    close_neighbours,
    local_aggregation_loss,
)
from pipelines.pretraining.local_aggregation import UNKNOWN, LocalAggregation

VIDEOS = tuple("abcdefgh")
FIXED = np.array([[0, 0, 1, 1, 2, 2, 3, 3], [0, 1, 2, 3, 0, 1, 2, 3]])
BATCH = {
    "rgb": torch.randn(3, 1, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0)),
    "index": torch.tensor([4, 0, 7]),
    "seed": torch.tensor([11, 12, 13]),
}


def task(cluster=None, clusters=FIXED, embed_videos=None):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Flatten(), nn.Linear(96, 6))
    return LocalAggregation(
        model,
        MemoryBank(VIDEOS, 6, 0.5, 0),
        clusters,
        cluster,
        steps_per_epoch=3,
        temperature=0.07,
        num_neighbours=6,
        embed_videos=embed_videos,
    )


def unknown():
    return np.full((2, 8), UNKNOWN)


def by_sign(rows):
    """Two clusterings by the signs of the first two entries."""
    return np.stack([rows[:, 0] > 0, rows[:, 1] > 0]).astype(np.int64)


def test_the_loss_is_that_of_the_bank_and_the_clusters():
    learner = task()
    embeddings = functional.normalize(learner.model(BATCH["rgb"].flatten(0, 1)), dim=1)
    similarity = embeddings @ learner.bank.rows.T
    neighbours = background_neighbours(similarity, 6)
    close = close_neighbours(torch.from_numpy(FIXED), BATCH["index"], neighbours)

    found = learner(BATCH)

    expected = local_aggregation_loss(similarity.gather(1, neighbours), close, 0.07)
    assert float(found["loss"].detach()) == pytest.approx(float(expected.detach()))
    assert float(found["close_share"]) == pytest.approx(float(close.float().mean()))
    assert float(found["cluster_entropy_bits"]) == pytest.approx(2.0)
    assert float(found["cluster_largest"]) == pytest.approx(0.25)


def test_videos_are_clustered_at_every_epochs_start_from_the_bank_as_it_is():
    asked = []

    def cluster(rows):
        asked.append(rows.copy())
        return by_sign(rows)

    learner = task(cluster, unknown())
    for step in range(7):
        learner.before_step(step)
        np.testing.assert_array_equal(learner.clusters.numpy(), by_sign(asked[-1]))
        learner(BATCH)
        learner.after_step()
        assert len(asked) == step // 3 + 1

    assert (asked[0] != asked[1]).any()
    np.testing.assert_array_equal(asked[0], MemoryBank(VIDEOS, 6, 0.5, 0).rows)


def test_continuity_needs_two_clusterings():
    learner = task(by_sign, unknown())
    learner.before_step(0)
    first = float(learner.continuity)
    learner.before_step(3)

    assert first == 0.0
    assert float(learner.continuity) == pytest.approx(1.0)


def test_fixed_clusters_stay():
    learner = task(cluster=None)
    for step in range(4):
        learner.before_step(step)

    np.testing.assert_array_equal(learner.clusters.numpy(), FIXED)


def test_the_bank_is_filled_before_it_is_clustered():
    rows = torch.eye(8, 6) + 0.1
    seen = []

    def cluster(found):
        seen.append(found.copy())
        return by_sign(found)

    task(cluster, unknown(), embed_videos=lambda model: rows).before_step(0)

    np.testing.assert_allclose(seen[0], functional.normalize(rows, dim=1), atol=1e-6)


def test_clusters_and_bank_are_part_of_the_state():
    learner, fresh = task(by_sign, unknown()), task(by_sign, unknown())
    learner.before_step(0)
    learner(BATCH)
    learner.after_step()

    fresh.load_state_dict(learner.state_dict())

    for name in ("clusters", "entropy", "continuity", "bank.rows"):
        assert torch.equal(fresh.get_buffer(name), learner.get_buffer(name))


def test_clusters_of_other_videos_are_refused():
    with pytest.raises(ValueError, match=r"expected clusters \(M, 8\), found \(2, 7\)"):
        task(clusters=FIXED[:, :7])
