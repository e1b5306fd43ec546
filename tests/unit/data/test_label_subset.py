import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.label_subset import LabelsConfig, label_subset
from pipelines.io.errors import ConfigError, DatasetError

# Four runs, two jumps.
LABEL = {"a": "run", "b": "run", "c": "run", "d": "run", "x": "jump", "y": "jump"}


def subset(ids="abcdxy", split="split1", label=LABEL, **changes):
    return label_subset(list(ids), label, split, LabelsConfig(**changes))


def test_everything_is_known_by_default_and_order_is_kept():
    assert subset("ycabxd") == list("ycabxd")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"per_class": 1}, "ax"),
        ({"per_class": 2}, "abxy"),
        # 0.5 of 4 and of 2.
        ({"fraction": 0.5}, "abx"),
        # 0.4 of 4 is 1.6, of 2 is 0.8.
        ({"fraction": 0.4}, "abx"),
        # 0.125 of 4 is a half, rounded up; every class keeps one.
        ({"fraction": 0.125}, "ax"),
        ({"fraction": 0.01}, "ax"),
    ],
)
def test_first_takes_the_beginning_of_each_class(changes, expected):
    assert subset("yxdcba", choice="first", **changes) == list(reversed(expected))


def test_a_fraction_and_a_number_that_say_the_same_agree():
    many = {f"v{number:02d}": "run" for number in range(20)}

    assert subset(many, label=many, per_class=5) == subset(many, label=many, fraction=0.25)


@given(
    counts=st.lists(st.integers(3, 9), min_size=1, max_size=4),
    small=st.integers(1, 3),
    fractions=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)),
    draw=st.integers(0, 3),
    choice=st.sampled_from(["random", "first"]),
)
def test_subsets_are_stratified_nested_and_independent_of_order(
    counts, small, fractions, draw, choice
):
    label = {f"{kind}-{n}": str(kind) for kind, count in enumerate(counts) for n in range(count)}
    same = {"draw": draw, "choice": choice}
    few = subset(label, label=label, per_class=small, **same)
    low, high = (subset(label, label=label, fraction=f, **same) for f in sorted(fractions))

    assert [sum(label[key] == str(kind) for key in few) for kind in range(len(counts))] == [
        small
    ] * len(counts)
    assert set(low) <= set(high) <= set(label)
    assert set(few) <= set(subset(label, label=label, per_class=3, **same))
    assert {label[key] for key in low} == set(label.values())
    mixed = list(np.random.default_rng(0).permutation(list(label)))
    assert set(subset(mixed, label=label, per_class=small, **same)) == set(few)
    alone = [key for key in label if label[key] == "0"]
    assert set(subset(alone, label=label, per_class=small, **same)) == set(few) & set(alone)


def test_draws_and_splits_differ():
    many = {f"v{number:02d}": "run" for number in range(40)}
    found = {
        tuple(subset(many, split, many, per_class=8, draw=draw))
        for split in ("split1", "split2")
        for draw in range(3)
    }

    assert len(found) == 6


def test_every_video_is_drawn_equally_often():
    # 300 draws of 1 of 4: 75 each, deviation 7.5.
    drawn = [subset(per_class=1, draw=draw)[0] for draw in range(300)]

    assert all(abs(drawn.count(key) - 75) < 30 for key in "abcd")


def test_a_class_with_too_few_videos_is_named():
    with pytest.raises(DatasetError, match=r"expected 3 training videos .* split1.*: jump \(2\)"):
        subset(per_class=3)


def test_a_number_and_a_share_at_once_are_refused():
    with pytest.raises(ConfigError, match=r"per_class 1 and fraction 0\.5"):
        subset(per_class=1, fraction=0.5)
