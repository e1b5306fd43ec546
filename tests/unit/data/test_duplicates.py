import pytest

from pipelines.data.duplicates import (
    Duplicate,
    Overlap,
    find_duplicates,
    find_overlaps,
    find_trained_tests,
)
from pipelines.data.manifest import ProbedVideo
from pipelines.data.video_share import videos_in_share
from pipelines.io.errors import DatasetError


def video(video_id, checksum, **roles):
    return ProbedVideo(
        video_id, f"{video_id}.avi", "a", None, roles, 0, 1.0, 12.0, 24, 32, 12, 9, checksum
    )


def test_later_ids_are_duplicates_of_the_first():
    videos = [video("c", "1"), video("a", "1"), video("b", "2"), video("d", "1")]

    assert find_duplicates(videos) == [Duplicate("c", "a", ()), Duplicate("d", "a", ())]


@pytest.mark.parametrize(
    ("roles", "other", "splits"),
    [
        ({"s": "train"}, {"s": "test"}, ("s",)),
        ({"s": "test"}, {"s": "unlabelled"}, ("s",)),
        ({"s": "test"}, {"s": "test"}, ()),
        ({"s": "train"}, {"s": "unlabelled"}, ()),
        ({"s": "train"}, {"t": "test"}, ()),
        ({"s": "train", "t": "test"}, {"s": "test", "t": "train"}, ("s", "t")),
    ],
)
def test_leaks_are_between_training_and_test_of_one_split(roles, other, splits):
    (duplicate,) = find_duplicates([video("a", "1", **roles), video("b", "1", **other)])

    assert duplicate.leaking_splits == splits


def test_overlaps_with_what_a_source_trains_on():
    target = [video("t", "1", split1="test"), video("u", "2", split1="train", split2="test")]
    source = [
        video("x", "1", all="unlabelled"),
        video("y", "2", all="unlabelled"),
        video("z", "1", all="test"),
    ]

    assert find_overlaps(target, ["split1", "split2"], {"own": source}) == [
        Overlap("split1", "t", "own", "x", "1"),
        Overlap("split2", "u", "own", "y", "2"),
    ]


def test_a_target_as_its_own_source_uses_the_same_split():
    target = [
        video("a", "1", split1="test", split2="train"),
        video("b", "2", split1="train", split2="test"),
    ]

    assert find_overlaps(target, ["split1", "split2"], {"self": target}) == []
    assert find_overlaps(target, ["split1"], {"self:split2": target}) == [
        Overlap("split1", "a", "self:split2", "a", "1")
    ]


def test_what_a_share_leaves_out_is_no_overlap():
    target = [video(f"t/{number}", str(number), split1="test") for number in range(100)]
    source = [video(f"x/{number}", str(number), all="unlabelled") for number in range(100)]
    offered = {shown.video_id for shown in videos_in_share(source, 30)}

    found = find_overlaps(target, ["split1"], {"own:all@30%": source})

    assert 0 < len(found) < 100
    assert {overlap.source_video_id for overlap in found} == offered


def test_unknown_splits_are_refused():
    with pytest.raises(DatasetError, match="'split9'"):
        find_overlaps(
            [video("a", "1", split1="test")], ["split9"], {"x": [video("b", "1", all="train")]}
        )


def test_test_videos_that_are_trained_on_in_the_same_split():
    target = [
        video("a", "1", s="train", t="train"),
        video("b", "1", s="test", t="unlabelled"),
        video("c", "2", s="test"),
        video("d", "2", s="unlabelled"),
    ]

    assert find_trained_tests(target, ["s", "t"], "own") == [Overlap("s", "b", "own", "a", "1")]
