import pytest

from pipelines.data.manifest import Problem
from pipelines.data.skipping import check_skipped_share
from pipelines.io.errors import TooManySkippedError

SKIPPED = [Problem(f"bad{n}", "a_stage", "empty", "no bytes") for n in range(6)]


@pytest.mark.parametrize(("num_kept", "share"), [(6, 0.5), (0, 1.0), (94, 0.06)])
def test_the_share_itself_is_allowed(num_kept, share):
    check_skipped_share(SKIPPED, num_kept, share)


def test_nothing_skipped_of_nothing_is_allowed():
    check_skipped_share([], 0, 0.0)


def test_the_first_five_are_named():
    with pytest.raises(TooManySkippedError, match=r"6 of 9.*bad4 \(empty\)") as caught:
        check_skipped_share(SKIPPED, 3, 0.6)

    assert "bad5" not in str(caught.value)
