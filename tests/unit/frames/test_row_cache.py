import numpy as np
import pytest

from pipelines.frames.row_cache import RowCache


def row(value: int) -> np.ndarray:
    return np.full(100, value, np.uint8)


def test_least_recently_used_row_goes_first():
    cache = RowCache(0.0002)  # two rows of 100 bytes
    cache.put("a", row(1))
    cache.put("b", row(2))
    cache.get("a")
    cache.put("c", row(3))

    assert cache.get("b") is None
    assert cache.get("a")[0] == 1
    assert cache.get("c")[0] == 3
    assert cache.num_bytes == 200


def test_rows_are_copies():
    cache = RowCache(1)
    original = row(1)
    cache.put("a", original)
    original[:] = 9

    assert cache.get("a")[0] == 1


@pytest.mark.parametrize("limit", [0, 0.00005])
def test_nothing_is_kept_that_does_not_fit(limit):
    cache = RowCache(limit)
    cache.put("a", row(1))

    assert cache.get("a") is None
    assert cache.num_bytes == 0


def test_negative_limit_is_refused():
    with pytest.raises(ValueError, match="cache"):
        RowCache(-1)
