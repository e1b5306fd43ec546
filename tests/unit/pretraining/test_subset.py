import itertools

import msgspec
import pytest

from pipelines.io.errors import ConfigError
from pipelines.pretraining.subset import SourceSubset, take_subset

VIDEOS = [f"video{number:02}" for number in range(20)]


def test_a_subset_has_its_size_and_follows_from_its_seed():
    found = take_subset(VIDEOS, SourceSubset(1, 7))

    assert len(found) == len(set(found)) == 7
    assert found == sorted(found)
    assert set(found) < set(VIDEOS)
    assert found == take_subset(VIDEOS[::-1], SourceSubset(1, 7))
    assert found != take_subset(VIDEOS, SourceSubset(2, 7))


def test_larger_subsets_hold_smaller_ones_and_all_is_all():
    nested = [set(take_subset(VIDEOS, SourceSubset(0, n))) for n in range(1, 21)]

    assert all(small < large for small, large in itertools.pairwise(nested))
    assert nested[-1] == set(VIDEOS)
    assert take_subset(VIDEOS[::-1], None) == VIDEOS


def test_a_share_is_the_same_choice_as_its_number():
    assert take_subset(VIDEOS, SourceSubset(3, fraction=0.25)) == take_subset(
        VIDEOS, SourceSubset(3, num_videos=5)
    )
    assert len(take_subset(VIDEOS, SourceSubset(0, fraction=0.001))) == 1


@pytest.mark.parametrize("counts", [{}, {"num_videos": 3, "fraction": 0.5}])
def test_a_part_is_counted_in_one_way(counts):
    with pytest.raises(ConfigError, match="expected num_videos or fraction"):
        take_subset(VIDEOS, SourceSubset(0, **counts))


def test_more_videos_than_there_are_is_refused():
    with pytest.raises(ConfigError, match=r"21 videos.*20 to train on"):
        take_subset(VIDEOS, SourceSubset(0, 21))


@pytest.mark.parametrize("changes", [{"num_videos": 0}, {"seed": -1}, {"size": 3}])
def test_senseless_subsets_are_refused(changes):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"num_videos": 1, "seed": 0} | changes, SourceSubset)
