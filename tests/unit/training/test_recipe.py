import json

import pytest

from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.training.recipe import TrainingConfig
from tests.tiny_dataset import training_config


def decoded(**changes):
    return decode_config(json.dumps(training_config(**changes)), TrainingConfig)


def test_a_training_is_decoded_with_defaults_for_what_only_fine_tuning_has():
    found = decoded(fraction=0.25)

    assert found.validation.fraction == 0.25
    assert found.recipe.schedule.length == 4
    recipe = found.recipe
    assert (recipe.trainable, recipe.distillation_weight) == ("all", 0.0)
    assert (recipe.accumulate, recipe.precision, recipe.max_gradient_norm) == (1, "float32", None)
    assert (recipe.optimizer.dampening, recipe.optimizer.decay_norm_and_bias) == (0.0, True)
    assert (recipe.schedule.warmup_start, recipe.schedule.patience) == (None, 5)


def test_accumulated_batches_make_the_videos_of_a_step():
    assert decoded(videos_per_batch=6, accumulate=4).recipe.videos_per_step == 24


@pytest.mark.parametrize(
    ("meant_for", "expected"), [(None, 0.1), (24, 0.1), (12, 0.2), (256, 0.1 * 24 / 256)]
)
def test_the_rate_is_linear_in_the_videos_of_a_step_where_wanted(meant_for, expected):
    optimizer = {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0}
    found = decoded(
        videos_per_batch=6, accumulate=4, optimizer=optimizer | {"rate_for_videos": meant_for}
    )

    assert found.recipe.learning_rate == pytest.approx(expected)


@pytest.mark.parametrize(
    "trainable", ["all", "linear_probe", ["layer3", "fc"], {"freeze": 2}, "last_2"], ids=str
)
def test_stages_are_named_listed_or_counted(trainable):
    expected = tuple(trainable) if isinstance(trainable, list) else trainable

    assert decoded(trainable=trainable).recipe.trainable == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "colour"),
        ({"trainable": "conv5"}, "trainable"),
        ({"trainable": {"keep": 2}}, "trainable"),
        ({"checkpoint": "first"}, "'first'"),
        ({"clips_per_video": "3"}, "clips_per_video"),
        ({"optimizer": {"name": "sgd"}}, "learning_rate"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        decoded(**changes)
