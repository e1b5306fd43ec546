from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data.manifest import Video
from pipelines.data.splits import hold_out, source_split, split_names_of, videos_in_role
from pipelines.io.errors import DatasetError


def video(number, label="jump", group=None, **roles):
    return Video(f"v{number:04d}", f"{number}.avi", label, group, roles)


VIDEOS = [
    video(0, split1="train", few1="unlabelled"),
    video(1, split1="test"),
    video(2, split1="unlabelled"),
    video(3),
]

labelled = st.builds(
    lambda number, label, group: video(number, label, group),
    st.integers(0, 9999),
    st.sampled_from(["a", "b", "c", None]),
    st.sampled_from(["g1", "g2", "g3", "g4", "g5", None]),
)
datasets = st.lists(labelled, max_size=60, unique_by=lambda item: item.video_id)


def ids(videos):
    return [item.video_id for item in videos]


def test_videos_in_role_keep_their_order():
    assert ids(videos_in_role(VIDEOS, "split1", ("unlabelled", "train"))) == ["v0000", "v0002"]
    assert ids(videos_in_role(VIDEOS, "few1", ("test",))) == []


def test_split_names_are_sorted():
    assert split_names_of(VIDEOS) == ["few1", "split1"]


def test_unknown_splits_and_roles_list_the_choices():
    with pytest.raises(DatasetError, match="'split9'; splits of this dataset: few1, split1"):
        videos_in_role(VIDEOS, "split9", ("train",))
    with pytest.raises(ValueError, match="training; choices: train, test, unlabelled"):
        videos_in_role(VIDEOS, "split1", ("training",))


def test_source_split_prefers_the_named_then_the_same_then_the_only_one():
    assert source_split(VIDEOS, "split1", "few1") == "few1"
    assert source_split(VIDEOS, "few1") == "few1"
    assert source_split([video(0, all="unlabelled")], "split3") == "all"


@pytest.mark.parametrize("named", [None, "split9"])
def test_an_open_source_split_is_refused(named):
    with pytest.raises(DatasetError, match=r"expected one of few1, split1; .*dataset:split"):
        source_split(VIDEOS, "split2", named)


@settings(max_examples=150, deadline=None)
@given(datasets, st.floats(0, 0.99), st.integers(0, 3))
def test_hold_out_divides_whole_groups_and_keeps_every_class(videos, fraction, seed):
    train, validation = hold_out(videos, fraction, seed)

    assert not set(ids(train)) & set(ids(validation))
    assert sorted(ids(train + validation)) == sorted(ids(videos))
    assert ids(train) == [item for item in ids(videos) if item in set(ids(train))]
    groups = {item.group for item in train} & {item.group for item in validation}
    assert groups <= {None}
    assert {item.label for item in train} == {item.label for item in videos}


@settings(max_examples=50, deadline=None)
@given(datasets, st.randoms(use_true_random=False))
def test_hold_out_ignores_the_order_of_the_videos(videos, random):
    shuffled = random.sample(videos, len(videos))

    assert set(ids(hold_out(videos, 0.3, 1)[1])) == set(ids(hold_out(shuffled, 0.3, 1)[1]))


def test_hold_out_of_nothing():
    assert hold_out(VIDEOS, 0.0, 0) == (VIDEOS, [])
    assert hold_out([], 0.1, 0) == ([], [])


@pytest.mark.parametrize("fraction", [-0.1, 1.0])
def test_hold_out_refuses_fractions_out_of_range(fraction):
    with pytest.raises(ValueError, match="fraction"):
        hold_out(VIDEOS, fraction, 0)


def test_hold_out_without_groups_takes_a_tenth_of_every_class():
    videos = [video(index, label="abc"[index % 3]) for index in range(300)]

    validation = hold_out(videos, 0.1, 0)[1]

    assert Counter(item.label for item in validation) == {"a": 10, "b": 10, "c": 10}


def test_hold_out_of_many_small_classes_takes_a_tenth_of_all():
    # Three videos a class: a tenth of one rounds to nothing, a tenth of all is 30.
    videos = [video(index, label=f"class{index // 3}") for index in range(300)]

    validation = hold_out(videos, 0.1, 0)[1]

    assert len(validation) == 30
    assert max(Counter(item.label for item in validation).values()) == 1


def test_hold_out_takes_whole_balanced_groups():
    # As UCF101's training lists: 18 groups, each with four videos of each of five classes.
    videos = [
        video(index, label=f"class{index % 5}", group=f"g{index // 20:02d}") for index in range(360)
    ]

    validation = hold_out(videos, 0.1, 0)[1]

    assert len({item.group for item in validation}) == 2
    assert set(Counter(item.label for item in validation).values()) == {8}


def test_hold_out_takes_one_group_where_all_are_larger_than_the_share():
    # Three recordings of 18 videos, as with the labels of three UT-Interaction sequences.
    videos = [video(index, f"class{index % 6}", f"s{index // 18}") for index in range(54)]

    assert len(hold_out(videos, 0.1, 0)[1]) == 18


def test_hold_out_never_takes_a_class_away():
    # Class b is in one group only.
    videos = [video(0, "a", "g1"), video(1, "b", "g1"), video(2, "a", "g2"), video(3, "a", "g3")]

    for seed in range(10):
        assert {item.group for item in hold_out(videos, 0.4, seed)[1]} <= {"g2", "g3"}


def test_hold_out_of_a_single_group_takes_nothing():
    videos = [video(index, group="g1") for index in range(5)]

    assert hold_out(videos, 0.5, 0) == (videos, [])


def test_seeds_draw_different_videos():
    videos = [video(index) for index in range(100)]

    drawn = {tuple(ids(hold_out(videos, 0.1, seed)[1])) for seed in range(5)}

    assert len(drawn) == 5
