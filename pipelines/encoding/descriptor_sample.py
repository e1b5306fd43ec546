"""A seeded sample of descriptors: which videos, and which of their trajectories.

Both choices depend on the seed and on a video's own id alone, so that shards are sampled apart
from each other and a video that is added replaces at most one.
"""

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


def choose_videos(video_ids: Iterable[str], num_videos: int, seed: int) -> frozenset[str]:
    """The ids with the smallest hashes of seed and id, all when there are fewer.

    Args:
        video_ids: Of the whole source.
        num_videos: At most so many are chosen.
        seed: Of the choice.
    """
    ordered = sorted(video_ids, key=lambda video_id: _digest(seed, video_id))
    return frozenset(ordered[:num_videos])


class DescriptorReservoir:
    """Draws uniformly from the descriptors of one video while they stream past.

    Memory is the sample and one batch, however long the video.

    Args:
        video_id: The video.
        num_descriptors: R, size of the sample.
        with_replacement: True draws every row of the sample on its own: R rows from any video
            that has a descriptor. The official code does so where there are more than R and else
            takes each once. False takes no descriptor twice, all of them when there are fewer than
            R.
        seed: Of the draw.

    Attributes:
        num_seen: Descriptors offered so far.
    """

    def __init__(
        self, video_id: str, num_descriptors: int, with_replacement: bool, seed: int
    ) -> None:
        """Start empty."""
        self.num_seen = 0
        self._size = num_descriptors
        self._with_replacement = with_replacement
        self._rng = np.random.default_rng(list(_digest(seed, video_id)))
        self._keys = np.empty(0)
        self._rows: FloatArray | None = None

    def add(self, descriptors: FloatArray) -> None:
        """Offer descriptors (N, F)."""
        if not len(descriptors):
            return
        if self._rows is None:
            self._rows = np.empty((0, descriptors.shape[1]), np.float32)
        draw = self._replace_rows if self._with_replacement else self._keep_smallest
        draw(descriptors)
        self.num_seen += len(descriptors)

    def finish(self) -> FloatArray:
        """The sample, (R, F) or fewer rows.

        Raises:
            ValueError: If there was no descriptor.
        """
        if self._rows is None:
            raise ValueError("no descriptor was offered")
        return self._rows

    def _replace_rows(self, descriptors: FloatArray) -> None:
        """R reservoirs of one row each: all uniform over what was seen."""
        share = len(descriptors) / (self.num_seen + len(descriptors))
        replaced = self._rng.random(self._size) < share
        drawn = self._rng.integers(len(descriptors), size=self._size)
        if not self.num_seen:
            self._rows = np.asarray(descriptors[drawn], np.float32)
        elif self._rows is not None:
            self._rows[replaced] = descriptors[drawn[replaced]]

    def _keep_smallest(self, descriptors: FloatArray) -> None:
        """Every descriptor gets a random key; the R smallest keys stay."""
        keys = np.append(self._keys, self._rng.random(len(descriptors)))
        kept = np.sort(np.argsort(keys, kind="stable")[: self._size])
        if self._rows is not None:
            num_held = len(self._rows)
            new = descriptors[kept[kept >= num_held] - num_held]
            self._rows = np.concatenate([self._rows[kept[kept < num_held]], new])
        self._keys = keys[kept]


def _digest(seed: int, video_id: str) -> bytes:
    return hashlib.sha256(f"{seed} {video_id}".encode()).digest()
