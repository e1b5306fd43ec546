import itertools

import msgspec
import pytest

from pipelines.io.errors import ConfigError
from pipelines.pretraining.subset import SourceSubset, take_subset

VIDEOS = [f"video{number:02}" for number in range(20)]


def test_a_subset_has_its_size_and_follows_from_its_seed():
    found = take_subset(VIDEOS, SourceSubset(7, 1))

    assert len(found) == len(set(found)) == 7
    assert found == sorted(found)
    assert set(found) < set(VIDEOS)
    assert found == take_subset(VIDEOS[::-1], SourceSubset(7, 1))
    assert found != take_subset(VIDEOS, SourceSubset(7, 2))


def test_larger_subsets_hold_smaller_ones_and_all_is_all():
    nested = [set(take_subset(VIDEOS, SourceSubset(n, 0))) for n in range(1, 21)]

    assert all(small < large for small, large in itertools.pairwise(nested))
    assert nested[-1] == set(VIDEOS)
    assert take_subset(VIDEOS[::-1], None) == VIDEOS


def test_more_videos_than_there_are_is_refused():
    with pytest.raises(ConfigError, match=r"21 videos.*20 to train on"):
        take_subset(VIDEOS, SourceSubset(21, 0))


@pytest.mark.parametrize("changes", [{"num_videos": 0}, {"seed": -1}, {"size": 3}])
def test_senseless_subsets_are_refused(changes):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"num_videos": 1, "seed": 0} | changes, SourceSubset)
