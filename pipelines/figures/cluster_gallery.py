"""What a network finds alike: a map of its features, and the videos of each group.

V videos, D features, K clusters. MoSI, Figure 5 (t-SNE with five clusters) and Video LA, Figures 2
and 3 (members of clusters).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.manifold import TSNE

from pipelines.figures.plotting import COLOURS, MARKERS, house_style, shortened, show_picture

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
ImageArray = NDArray[np.uint8]

# scikit-learn's own; fewer videos take a third of their number, as t-SNE's authors advise.
PERPLEXITY = 30.0
LEAST_VIDEOS = 4
NUM_STARTS = 10
PICTURE_INCHES = 1.1


def grouped(features: FloatArray, num_clusters: int, seed: int) -> tuple[IntArray, FloatArray]:
    """K-means on features of length 1.

    Returns:
        Cluster of each video ``(V,)``, the largest being 0, and the distance to its centre
        ``(V,)``.

    Raises:
        ValueError: If there are fewer videos than clusters.
    """
    if len(features) < num_clusters:
        raise ValueError(f"expected at least {num_clusters} videos, found {len(features)}")
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    unit = features / np.maximum(lengths, np.finfo(np.float32).tiny)
    fitted = KMeans(num_clusters, n_init=NUM_STARTS, random_state=seed).fit(unit)
    sizes = np.bincount(fitted.labels_, minlength=num_clusters)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    distances = np.linalg.norm(unit - fitted.cluster_centers_[fitted.labels_], axis=1)
    return rank[fitted.labels_].astype(np.int64), distances.astype(np.float32)


def flattened(features: FloatArray, seed: int) -> FloatArray:
    """t-SNE of features by cosine distance, ``(V, D)`` -> ``(V, 2)``.

    Raises:
        ValueError: If there are too few videos.
    """
    if len(features) < LEAST_VIDEOS:
        raise ValueError(f"expected at least {LEAST_VIDEOS} videos, found {len(features)}")
    perplexity = min(PERPLEXITY, (len(features) - 1) / 3)
    method = TSNE(metric="cosine", init="random", perplexity=perplexity, random_state=seed)
    return np.asarray(method.fit_transform(features), np.float32)


def members(clusters: IntArray, distances: FloatArray, num_members: int) -> list[list[int]]:
    """Per cluster the places of its videos nearest to the centre, nearest first."""
    found = []
    for cluster in range(int(clusters.max()) + 1):
        places = np.flatnonzero(clusters == cluster)
        order = np.argsort(distances[places], kind="stable")
        found.append(places[order][:num_members].tolist())
    return found


def draw_gallery(
    places: FloatArray,
    clusters: IntArray,
    shown: Sequence[Sequence[int]],
    pictures: Mapping[int, ImageArray],
    titles: Sequence[str],
    title: str,
) -> Figure:
    """The map on the left; on the right one row of pictures per cluster.

    Args:
        places: As `flattened` gives them.
        clusters: As `grouped` gives them.
        shown: As `members` gives them.
        pictures: A frame of each shown video, by its place.
        titles: Text above a video's picture, by its place.
        title: Whose features these are.
    """
    columns = max(len(row) for row in shown)
    height = max(4.0, len(shown) * PICTURE_INCHES * 1.25)
    with house_style():
        figure = Figure(figsize=(height + columns * PICTURE_INCHES * 1.2, height + 0.6))
        ratios = [height, columns * PICTURE_INCHES * 1.2]
        left, right = np.ravel(figure.subfigures(1, 2, width_ratios=ratios, squeeze=False))
        figure.set_layout_engine("constrained")
        _draw_map(left.subplots(), places, clusters)
        grid = right.subplots(len(shown), columns, squeeze=False)
        for cluster, (row, found) in enumerate(zip(grid, shown, strict=True)):
            for axes in row:
                axes.set_axis_off()
            for axes, place in zip(row, found, strict=False):
                show_picture(axes, pictures[place], shortened(titles[place], 18))
            size = int((clusters == cluster).sum())
            noun = "video" if size == 1 else "videos"
            _name(row[0], f"cluster {cluster + 1}\n{size} {noun}", cluster)
        figure.suptitle(shortened(title), fontsize=10)
    return figure


def _draw_map(axes: Axes, places: FloatArray, clusters: IntArray) -> None:
    for cluster in range(int(clusters.max()) + 1):
        chosen = places[clusters == cluster]
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=14,
            color=COLOURS[cluster % len(COLOURS)],
            marker=MARKERS[cluster % len(MARKERS)],
            label=f"cluster {cluster + 1}",
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title("t-SNE of the features, one mark per video")
    axes.legend(fontsize=7, loc="best")


def _name(axes: Axes, text: str, cluster: int) -> None:
    colour = COLOURS[cluster % len(COLOURS)]
    axes.text(-0.08, 0.5, text, transform=axes.transAxes, ha="right", va="center", color=colour)
