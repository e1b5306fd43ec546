import pytest

from pipelines.data.manifest import Problem
from pipelines.data.skip_limit import check_skipped
from pipelines.io.errors import TooManySkippedError

SKIPPED = [Problem(f"set/v{number}", "stage", "truncated", "") for number in range(7)]


def test_a_share_at_the_limit_is_allowed():
    check_skipped(SKIPPED, 93, 0.07)
    check_skipped([], 0, 0.0)


def test_more_are_refused_and_the_first_five_named():
    with pytest.raises(TooManySkippedError, match=r"7 of 99 .* at most 0\.07") as caught:
        check_skipped(SKIPPED, 92, 0.07)

    assert "set/v4 (truncated)" in str(caught.value)
    assert "set/v5" not in str(caught.value)
