"""Nearest training clips or videos of each query, and what they are compared by.

Q queries, G items of the gallery, D features; a feature map is (R, C, T, H, W) for R clips.

Protocols: VCOP's code (xudejing/video-clip-order-prediction, retrieve_clips.py) pools the last
map by 1 x 2 x 2 maxima, averages the 10 clips of a video and takes the cosine distance. SeLaVi
pools by 2 x 2 x 2 maxima and takes the Euclidean distance. CoCLR pools globally and, before the
cosine, takes from each split its own mean. MotionFit's text compares clips with clips.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from pipelines.io.errors import ConfigError

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

Distance = Literal["cosine", "l2", "centred_cosine"]

POOLING = {"max_1x2x2": (1, 2, 2), "max_2x2x2": (2, 2, 2)}
# Queries whose distances to the whole gallery are in memory at a time.
QUERIES_AT_ONCE = 256
LEAST_NORM = 1e-12


class RetrievalConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `evaluation.retrieval` of a preset.

    Attributes:
        unit: What is sought and found: single clips, or videos by the mean of their clips.
        num_clips: Evenly spaced clips of a video, centre crop.
        pooling: Of the last feature map: the network's own global one, or maxima, flattened.
        distance: See the module.
        ranks: R@k is wanted for these k; so many neighbours are kept as the largest says.
    """

    unit: Literal["clip", "video"]
    num_clips: Annotated[int, msgspec.Meta(ge=1)]
    pooling: Literal["gap", "max_1x2x2", "max_2x2x2"]
    distance: Distance
    ranks: Annotated[tuple[Annotated[int, msgspec.Meta(ge=1)], ...], msgspec.Meta(min_length=1)]


class Neighbours(NamedTuple):
    """Nearest first: places in the gallery (Q, k) and distances (Q, k)."""

    places: IntArray
    distances: FloatArray


def pool_map(features: Tensor, pooling: str) -> Tensor:
    """Maxima of blocks of a feature map, (R, C, T, H, W) -> (R, D); edges that fill no block drop.

    Raises:
        ConfigError: If the map is smaller than a block.
        KeyError: If no pooling has that name.
    """
    block = POOLING[pooling]
    size = tuple(features.shape[2:])
    if any(extent < least for extent, least in zip(size, block, strict=True)):
        raise ConfigError(
            f"evaluation.retrieval.pooling: {pooling} needs a feature map of at least {block}, "
            f"found {size} (time, height, width); take gap, or larger or longer clips"
        )
    return functional.max_pool3d(features, block).flatten(1)


def nearest(queries: FloatArray, gallery: FloatArray, distance: Distance, k: int) -> Neighbours:
    """The k nearest items of the gallery, all if it has fewer; of equal ones the earlier first.

    Args:
        queries: (Q, D).
        gallery: (G, D).
        distance: "cosine" is 1 - cosine; so is "centred_cosine", after queries and gallery each
            lost their own mean; "l2" is Euclidean.
        k: At least 1.

    Raises:
        ValueError: If the shapes do not fit or k is below 1.
    """
    if queries.ndim != 2 or gallery.ndim != 2 or queries.shape[1] != gallery.shape[1]:
        raise ValueError(f"expected (Q, D) and (G, D), found {queries.shape} and {gallery.shape}")
    if k < 1 or not len(gallery):
        raise ValueError(f"expected k of at least 1 and a gallery, found {k} and {len(gallery)}")
    if distance == "centred_cosine":
        queries, gallery = queries - queries.mean(axis=0), gallery - gallery.mean(axis=0)
    if distance != "l2":
        queries, gallery = _unit(queries), _unit(gallery)
    parts = [
        _ranked(_distances(queries[first : first + QUERIES_AT_ONCE], gallery, distance), k)
        for first in range(0, len(queries), QUERIES_AT_ONCE)
    ]
    places, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Neighbours(places, values)


def _unit(features: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(lengths, LEAST_NORM), np.float32)


def _distances(queries: FloatArray, gallery: FloatArray, distance: Distance) -> FloatArray:
    products = queries @ gallery.T
    if distance != "l2":
        return np.asarray(1 - products, np.float32)
    squares = _squares(queries)[:, None] - 2 * products + _squares(gallery)
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float32)


def _squares(features: FloatArray) -> FloatArray:
    return np.asarray(np.square(features).sum(axis=1), np.float32)


def _ranked(distances: FloatArray, k: int) -> Neighbours:
    """The k smallest of every row, ties by place: only what can be among them is sorted."""
    count = min(k, distances.shape[1])
    limits = np.partition(distances, count - 1, axis=1)[:, count - 1]
    places = np.empty((len(distances), count), np.int64)
    for row, (values, limit) in enumerate(zip(distances, limits, strict=True)):
        candidates = np.flatnonzero(values <= limit)
        places[row] = candidates[np.argsort(values[candidates], kind="stable")[:count]]
    return Neighbours(places, np.take_along_axis(distances, places, axis=1))


def recall_ranks(config: RetrievalConfig) -> Sequence[int]:
    """The k of R@k, increasing, each once."""
    return sorted(set(config.ranks))
