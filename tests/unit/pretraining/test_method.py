import dataclasses

import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.io.options import pretraining_options
from pipelines.models.heads import build_classifier
from pipelines.pretraining.method import Context, build_model, pretrain
from pipelines.pretraining.pretrain_clip_order import MODULE, Options, build, build_parser
from pipelines.training.history_store import read_history


@pytest.fixture
def context():
    def make(initial=None, backbone="r2plus1d-tiny", seed=0):
        return Context(
            backbone, None, _Recipe(), None, [], [], seed, torch.device("cpu"), initial, None
        )

    return make


class _Recipe:
    dropout = 0.25


def test_without_initial_weights_they_follow_from_the_seed(context):
    found = build_model(context(seed=3), num_outputs=7)
    expected = build_classifier("r2plus1d-tiny", 3, 7, 0.25, seed=3)

    assert found.dropout.p == 0.25
    state = expected.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in found.state_dict().items())


def test_initial_weights_fill_the_backbone_and_leave_the_head(context):
    trained = build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=9)

    found = build_model(context(trained), num_outputs=7)

    wanted, state = trained.backbone.state_dict(), found.backbone.state_dict()
    assert all(torch.equal(value, wanted[key]) for key, value in state.items())
    assert found.fc.out_features == 7


def test_weights_of_another_architecture_are_refused(context):
    flow = build_classifier("r2plus1d-tiny", 2, 2, 0.0, seed=0)

    with pytest.raises(ConfigError, match=r"another architecture: stem\.0\.weight is \(12, 3"):
        build_model(context(flow), num_outputs=0)


def test_an_objectives_measures_reach_the_history(command_line, tmp_path):
    def build_measured(context, options):
        return dataclasses.replace(build(context, options), measures={"answer": lambda task: 42.0})

    args = build_parser().parse_args(command_line("clip_order", {"gap": 1}))
    pretrain(MODULE, pretraining_options(args), Options, build_measured)

    history = read_history(tmp_path / "a" / "history.parquet")
    assert history["answer"].tolist() == [42.0, 42.0]
    assert history["feature_spread"].between(0, 1 / 8, inclusive="neither").all()
