import numpy as np
import pytest

from pipelines.figures.cluster_gallery import draw_gallery, flattened, grouped, members

RNG = np.random.default_rng(0)
# Three directions in 8 dimensions, 8, 6 and 4 videos; lengths differ and must not matter.
SIZES = (8, 6, 4)
DIRECTION = np.repeat(np.arange(3), SIZES)
FEATURES = np.eye(3, 8)[DIRECTION] + RNG.normal(0, 0.05, (18, 8))
FEATURES = (FEATURES * RNG.uniform(0.1, 10, (18, 1))).astype(np.float32)


def test_directions_are_found_the_largest_first():
    clusters, distances = grouped(FEATURES, 3, seed=0)

    assert clusters.tolist() == DIRECTION.tolist()
    unit = FEATURES / np.linalg.norm(FEATURES, axis=1, keepdims=True)
    centres = np.stack([unit[clusters == k].mean(axis=0) for k in range(3)])
    np.testing.assert_allclose(
        distances,
        [np.linalg.norm(u - centres[k]) for u, k in zip(unit, clusters, strict=True)],
        atol=1e-6,
    )


def test_members_stand_nearest_first():
    found = members(np.array([0, 1, 0, 0]), np.array([0.3, 0.5, 0.1, 0.2], np.float32), 2)

    assert found == [[2, 3], [1]]


def test_like_videos_lie_near_each_other_on_the_map():
    places = flattened(FEATURES, seed=0)
    gaps = np.linalg.norm(places[:, None] - places, axis=2)
    np.fill_diagonal(gaps, np.inf)

    assert (DIRECTION[gaps.argmin(axis=1)] == DIRECTION).mean() > 0.8


def test_too_few_videos_are_refused():
    with pytest.raises(ValueError, match="at least 3 videos, found 2"):
        grouped(FEATURES[:2], 3, seed=0)
    with pytest.raises(ValueError, match="at least 4 videos, found 3"):
        flattened(FEATURES[:3], seed=0)


def test_every_member_is_shown_in_its_cluster_s_row():
    picture = np.zeros((4, 6, 3), np.uint8)
    places = np.array([[0, 0], [1, 1], [2, 2]], np.float32)
    figure = draw_gallery(
        places, np.array([0, 0, 1]), [[1, 0], [2]], dict.fromkeys(range(3), picture), "abc", "t"
    )

    titles = [axes.get_title() for axes in figure.axes[1:]]
    assert titles == ["b", "a", "c", ""]
    assert [text.get_text() for axes in figure.axes for text in axes.texts] == [
        "cluster 1\n2 videos",
        "cluster 2\n1 video",
    ]
