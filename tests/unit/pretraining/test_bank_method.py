from types import SimpleNamespace

import msgspec
import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.pretraining.bank_method import BankOptions, all_videos, check_at_most

OPTIONS = {"embedding_size": 6, "temperature": 0.07, "bank_momentum": 0.5, "colour": None}
COLOUR = {
    "brightness": 0.4,
    "contrast": 0.4,
    "saturation": 0.4,
    "hue": 0.4,
    "probability": 1.0,
    "grey_probability": 0.2,
    "grey_first": True,
}


def options(**changes):
    return msgspec.convert(OPTIONS | changes, BankOptions)


def context(checkpoint="last"):
    return SimpleNamespace(
        videos=["b", "d"],
        held=["a", "c"],
        recipe=SimpleNamespace(checkpoint=checkpoint),
        clips=SimpleNamespace(rgb_mean=(0.5, 0.5, 0.5), rgb_std=(0.2, 0.2, 0.2)),
    )


def test_all_videos_are_trained_on():
    assert all_videos(context()) == ["a", "b", "c", "d"]


def test_no_checkpoint_is_chosen_by_a_score():
    with pytest.raises(ConfigError, match=r"checkpoint is best, .* set it to last"):
        all_videos(context("best"))


def test_counts_that_fit_pass_and_others_say_what_fits():
    check_at_most("num_negatives", 4, 5, reserved=1)
    with pytest.raises(
        ConfigError,
        match=r"options\.num_negatives is 5, but the source has 5 videos .* at most 4, or add",
    ):
        check_at_most("num_negatives", 5, 5, reserved=1)


def test_the_bank_is_drawn_from_the_seed():
    bank = options().bank(["a", "b"], seed=3)

    assert bank.rows.shape == (2, 6)
    assert bank.momentum == 0.5
    assert torch.equal(bank.rows, options().bank(["a", "b"], seed=3).rows)


def test_colours_are_off_or_those_of_the_recipe():
    assert options().colours(context()) is None
    jitter = options(colour=COLOUR).colours(context())
    clips = torch.zeros(1, 3, 2, 4, 4)

    assert jitter(clips, [[1, 0]]).shape == clips.shape


@pytest.mark.parametrize(
    "changes", [{"temperature": 0.0}, {"bank_momentum": 1.0}, {"embedding_size": 0}]
)
def test_values_out_of_range_are_refused(changes):
    with pytest.raises(msgspec.ValidationError):
        options(**changes)
