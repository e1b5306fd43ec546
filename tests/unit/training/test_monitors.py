import math

import pytest
import torch

from pipelines.training.monitors import (
    effective_rank,
    embedding_spread,
    neighbour_top1,
)


def random_features(num=40, size=6, seed=0):
    return torch.randn(num, size, generator=torch.Generator().manual_seed(seed))


def test_the_spread_is_the_mean_deviation_of_unit_vectors():
    features = random_features().double()
    unit = [row / math.sqrt(sum(float(x) ** 2 for x in row)) for row in features]
    deviations = []
    for column in range(6):
        values = [float(row[column]) for row in unit]
        mean = sum(values) / 40
        deviations.append(math.sqrt(sum((value - mean) ** 2 for value in values) / 40))

    assert embedding_spread(features) == pytest.approx(sum(deviations) / 6, rel=1e-12)


def test_spread_and_rank_know_a_collapse_and_the_opposite_of_it():
    point = torch.ones(5, 3) * torch.arange(1.0, 6)[:, None]
    corners = torch.cat([torch.eye(4), -torch.eye(4)])

    assert embedding_spread(point) == pytest.approx(0, abs=1e-12)
    assert effective_rank(point) == pytest.approx(1)
    assert embedding_spread(corners) == pytest.approx(1 / math.sqrt(4))
    assert effective_rank(corners) == pytest.approx(4)
    assert effective_rank(torch.zeros(3, 2)) == 0


def test_the_rank_is_the_exponential_of_the_singular_values_entropy():
    # Singular values sqrt(8) and sqrt(2) of unit rows along two axes.
    features = torch.zeros(10, 3)
    features[:8, 0], features[8:, 1] = 3.0, 0.1
    shares = [2 / 3, 1 / 3]

    expected = math.exp(-sum(p * math.log(p) for p in shares))
    assert effective_rank(features) == pytest.approx(expected)


def test_lengths_do_not_matter():
    features = random_features()
    scaled = features * torch.rand(40, 1).add(0.1)

    assert embedding_spread(scaled) == pytest.approx(embedding_spread(features), rel=1e-5)
    assert effective_rank(scaled) == pytest.approx(effective_rank(features), rel=1e-5)


@pytest.mark.parametrize("function", [embedding_spread, effective_rank])
@pytest.mark.parametrize("shape", [(1, 3), (0, 3), (4,)])
def test_too_few_samples_are_refused(function, shape):
    with pytest.raises(ValueError, match="N at least 2"):
        function(torch.ones(shape))


def literal_top1(features, labels, queries, truth, count, temperature):
    right = 0
    for query, wanted in zip(queries, truth, strict=True):
        cosines = []
        for row, label in zip(features, labels, strict=True):
            cosine = torch.dot(query, row) / (query.norm() * row.norm())
            cosines.append((float(cosine), int(label)))
        votes = {}
        for cosine, label in sorted(cosines, reverse=True)[:count]:
            votes[label] = votes.get(label, 0) + math.exp(cosine / temperature)
        right += max(votes, key=votes.get) == int(wanted)
    return right / len(queries)


@pytest.mark.parametrize("count", [1, 5, 100])
def test_neighbours_vote_by_cosine(count):
    generator = torch.Generator().manual_seed(3)
    features, queries = random_features(seed=1).double(), random_features(25, seed=2).double()
    labels = torch.randint(3, (40,), generator=generator)
    truth = torch.randint(3, (25,), generator=generator)

    found = neighbour_top1(features, labels, queries, truth, count)

    assert found == literal_top1(features, labels, queries, truth, count, 0.07)
    assert 0 < found < 1


def test_neighbours_of_separate_classes_are_always_right():
    features = torch.eye(3).repeat_interleave(4, dim=0)
    labels = torch.arange(3).repeat_interleave(4)

    assert neighbour_top1(features, labels, 7 * torch.eye(3), torch.arange(3), 4) == 1
    assert neighbour_top1(features, labels, torch.eye(3), torch.tensor([1, 2, 3]), 4) == 0


def test_no_sample_no_query_and_no_neighbour_are_refused():
    rows, labels = torch.ones(2, 3), torch.zeros(2, dtype=torch.int64)
    for arguments in (
        (rows[:0], labels[:0], rows, labels, 1),
        (rows, labels, rows[:0], labels[:0], 1),
        (rows, labels, rows, labels, 0),
    ):
        with pytest.raises(ValueError, match="expected samples, queries and neighbours"):
            neighbour_top1(*arguments)
