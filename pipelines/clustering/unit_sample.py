"""A bounded random sample of units, drawn while the units of many videos stream past.

Every unit gets a random key that depends on the seed and its video's id alone; the units
with the smallest keys are kept, ordered by video id and time. So the order of shards does
not matter, and a video that is added replaces few others.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]


class UnitSample:
    """Keeps at most `max_units` units, or all.

    Holds twice the limit at most, beside the units of one video.

    Args:
        max_units: Limit, or None for no limit.
        seed: Of the draw.

    Attributes:
        num_seen: Units offered so far.
    """

    def __init__(self, max_units: int | None, seed: int) -> None:
        """Start empty."""
        self.num_seen = 0
        self._max_units = max_units
        self._seed = seed
        self._videos: list[tuple[str, NDArray[np.float64], FloatArray]] = []
        self._num_held = 0

    def add(self, video_id: str, features: FloatArray) -> None:
        """Offer the units of one video, (S, D), in temporal order."""
        digest = hashlib.sha256(f"{self._seed} {video_id}".encode()).digest()
        keys = np.random.default_rng(list(digest)).random(len(features))
        self._videos.append((video_id, keys, features))
        self.num_seen += len(features)
        self._num_held += len(features)
        if self._max_units is not None and self._num_held > 2 * self._max_units:
            self._shrink(self._max_units)

    def finish(self) -> FloatArray:
        """The sample, (min(num_seen, max_units), D), by video id and time.

        Raises:
            ValueError: If no unit was offered.
        """
        if not self.num_seen:
            raise ValueError("no unit was offered")
        if self._max_units is not None and self._num_held > self._max_units:
            self._shrink(self._max_units)
        ordered = sorted(self._videos, key=lambda video: video[0])
        return np.concatenate([features for _, _, features in ordered])

    def _shrink(self, limit: int) -> None:
        keys = np.concatenate([keys for _, keys, _ in self._videos])
        largest = np.partition(keys, limit - 1)[limit - 1]
        kept = [(name, keys, features, keys <= largest) for name, keys, features in self._videos]
        self._videos = [
            (name, keys[mask], features[mask]) for name, keys, features, mask in kept if mask.any()
        ]
        self._num_held = sum(len(keys) for _, keys, _ in self._videos)
