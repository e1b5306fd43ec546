"""A cache of array rows whose memory is bounded."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

BYTES_PER_MB = 1_000_000


class RowCache:
    """Keeps the most recently used arrays up to a number of bytes.

    Args:
        limit_mb: Megabytes (10**6 bytes) of arrays to keep; 0 keeps nothing.

    Raises:
        ValueError: If the limit is negative.
    """

    def __init__(self, limit_mb: float) -> None:
        """Start empty."""
        if limit_mb < 0:
            raise ValueError(f"cache size must be at least 0 MB, found {limit_mb}")
        self.limit_bytes = int(limit_mb * BYTES_PER_MB)
        self.num_bytes = 0
        self._rows: OrderedDict[Hashable, NDArray[Any]] = OrderedDict()

    def get(self, key: Hashable) -> NDArray[Any] | None:
        """The array stored under `key`, or None; not to be written to."""
        row = self._rows.get(key)
        if row is not None:
            self._rows.move_to_end(key)
        return row

    def put(self, key: Hashable, row: NDArray[Any]) -> None:
        """Store a copy of `row`, dropping the least recently used rows for it.

        A row larger than the whole limit, and a key already there, are left alone.
        """
        if row.nbytes > self.limit_bytes or key in self._rows:
            return
        self._rows[key] = np.array(row)
        self.num_bytes += row.nbytes
        while self.num_bytes > self.limit_bytes:
            _, dropped = self._rows.popitem(last=False)
            self.num_bytes -= dropped.nbytes
