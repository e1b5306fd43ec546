import json

import pytest

from pipelines.io.config import decode_config
from pipelines.io.errors import ConfigError
from pipelines.pretraining.recipe import PretrainingConfig
from pipelines.training.recipe import RecipeConfig
from tests.tiny_dataset import CLIPS, RECIPE

WHOLE = {
    "validation": {"fraction": 0.0},
    "backbone": "r2plus1d-tiny",
    "recipe": RECIPE
    | {
        "objective": "clip_order",
        "reads": ["rgb", "edges"],
        "initial": None,
        "prior": "trajectories",
        "clips": CLIPS,
        "options": {"gap": 3},
    },
}


@pytest.mark.parametrize(
    "more", [{}, {"accumulate": 4, "precision": "bfloat16", "max_gradient_norm": 1.5}]
)
def test_the_training_loop_is_told_the_common_part(more):
    whole = WHOLE | {"recipe": WHOLE["recipe"] | more}
    found = decode_config(json.dumps(whole), PretrainingConfig).recipe

    assert found.training == decode_config(json.dumps(RECIPE | more), RecipeConfig)
    assert (found.reads, found.prior) == (("rgb", "edges"), "trajectories")
    assert json.loads(bytes(found.options)) == {"gap": 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reads": ["sound"]}, "reads"),
        ({"prior": "labels"}, "prior"),
        ({"gap": 3}, "unknown field `gap`"),
    ],
)
def test_wrong_keys_are_refused(change, message):
    wrong = WHOLE | {"recipe": WHOLE["recipe"] | change}

    with pytest.raises(ConfigError, match=message):
        decode_config(json.dumps(wrong), PretrainingConfig)
