import math

import msgspec
import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_distances
from sklearn.neighbors import NearestNeighbors

from pipelines.evaluation import retrieval
from pipelines.evaluation.retrieval import RetrievalConfig, nearest, pool_map, recall_ranks
from pipelines.io.errors import ConfigError

DISTANCES = ("cosine", "l2", "centred_cosine")


def features(seed, count, size=6):
    return np.random.default_rng(seed).normal(1, 1, (count, size)).astype(np.float32)


def literal_nearest(queries, gallery, distance, k):
    """One pair after the other, in Python's own numbers."""
    if distance == "centred_cosine":
        queries, gallery = (
            rows - sum(rows.astype(float)) / len(rows) for rows in (queries, gallery)
        )
    found = []
    for query in queries.astype(float):
        row = []
        for place, item in enumerate(gallery.astype(float)):
            if distance == "l2":
                value = math.sqrt(sum((a - b) ** 2 for a, b in zip(query, item, strict=True)))
            else:
                product = sum(a * b for a, b in zip(query, item, strict=True))
                value = 1 - product / (
                    math.sqrt(sum(a * a for a in query)) * math.sqrt(sum(b * b for b in item))
                )
            row.append((value, place))
        found.append(sorted(row)[:k])
    return found


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize("k", [1, 4, 99])
def test_neighbours_are_those_of_literal_loops(distance, k, monkeypatch):
    monkeypatch.setattr(retrieval, "QUERIES_AT_ONCE", 3)
    queries, gallery = features(0, 7), features(1, 11)

    found = nearest(queries, gallery, distance, k)

    expected = literal_nearest(queries, gallery, distance, k)
    assert found.places.tolist() == [[place for _, place in row] for row in expected]
    values = [[value for value, _ in row] for row in expected]
    np.testing.assert_allclose(found.distances, values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("distance", "metric"), [("cosine", "cosine"), ("l2", "euclidean")])
def test_neighbours_are_those_of_scikit_learn(distance, metric):
    queries, gallery = features(0, 60, 32), features(1, 300, 32)
    peer = NearestNeighbors(n_neighbors=50, algorithm="brute", metric=metric).fit(gallery)

    found = nearest(queries, gallery, distance, 50)

    assert (found.places == peer.kneighbors(queries, return_distance=False)).mean() > 0.999


def test_video_retrieval_is_that_of_vcop():
    # retrieve_clips.py, topk_retrieval: means over clips, cosine distances, argsort.
    train, test = features(0, 200, 16).reshape(20, 10, 16), features(1, 80, 16).reshape(8, 10, 16)
    indices = np.argsort(cosine_distances(np.mean(test, 1), np.mean(train, 1)))

    found = nearest(test.mean(axis=1), train.mean(axis=1), "cosine", 20)

    np.testing.assert_array_equal(found.places, indices)


def test_by_hand():
    # Angles of 0, 45 and 90 degrees; lengths matter to l2 alone.
    gallery = np.array([[9, 0], [1, 1], [0, 1]], np.float32)
    query = np.array([[1, 0.5]], np.float32)

    assert nearest(query, gallery, "cosine", 3).places.tolist() == [[0, 1, 2]]
    assert nearest(query, gallery, "l2", 3).places.tolist() == [[1, 2, 0]]
    np.testing.assert_allclose(
        nearest(query, gallery, "l2", 3).distances, [[0.5, 1.25**0.5, 64.25**0.5]], rtol=1e-6
    )


def test_centring_takes_each_sides_own_mean():
    queries, gallery = features(0, 7), features(1, 11)
    shifted = nearest(queries + 40, gallery - 7, "centred_cosine", 5)

    assert shifted.places.tolist() == nearest(queries, gallery, "centred_cosine", 5).places.tolist()


@pytest.mark.parametrize("distance", ["cosine", "l2"])
def test_the_earlier_of_equal_ones_comes_first(distance):
    gallery = np.ones((9, 4), np.float32)

    assert nearest(gallery[:1], gallery, distance, 3).places.tolist() == [[0, 1, 2]]


def test_a_feature_of_length_zero_is_no_neighbour_of_anyone():
    gallery = np.array([[0, 0], [1, 0]], np.float32)

    assert nearest(gallery[1:], gallery, "cosine", 2).places.tolist() == [[1, 0]]


def test_pooling_of_vcops_map():
    features = torch.arange(2 * 512 * 2 * 7 * 7, dtype=torch.float32).reshape(2, 512, 2, 7, 7)

    found = pool_map(features, "max_1x2x2")

    assert found.shape == (2, 9216)
    # The largest of rows and columns 0 and 1 of the first channel, first frame.
    assert found[0, 0] == features[0, 0, 0, 1, 1]
    assert pool_map(features, "max_2x2x2").shape == (2, 4608)
    assert pool_map(features, "max_2x2x2")[0, 0] == features[0, 0, 1, 1, 1]


def test_bad_input_is_refused():
    with pytest.raises(ConfigError, match=r"max_2x2x2 needs .* \(2, 2, 2\), found \(1, 4, 4\)"):
        pool_map(torch.zeros(1, 3, 1, 4, 4), "max_2x2x2")
    with pytest.raises(ValueError, match=r"\(7, 6\) and \(3, 5\)"):
        nearest(features(0, 7), features(1, 3, 5), "l2", 1)
    with pytest.raises(ValueError, match="found 0 and 3"):
        nearest(features(0, 7), features(1, 3), "l2", 0)
    with pytest.raises(msgspec.ValidationError, match="length"):
        msgspec.convert(
            {"unit": "clip", "num_clips": 1, "pooling": "gap", "distance": "l2", "ranks": []},
            RetrievalConfig,
        )


def test_ranks_are_sorted():
    assert recall_ranks(RetrievalConfig("clip", 1, "gap", "l2", (5, 1, 5))) == [1, 5]
