import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.models.heads import build_classifier, trainable_stages
from pipelines.objectives.multi_clip import multi_clip_loss


def make_classifier(dropout=0.0, seed=0):
    return build_classifier("r2plus1d-tiny", 2, num_classes=5, dropout=dropout, seed=seed)


def make_clips(count=4):
    return torch.randn(count, 2, 4, 16, 16, generator=torch.Generator().manual_seed(0))


def take_step(model):
    model.train()
    labels = torch.arange(4).reshape(2, 2)
    loss = multi_clip_loss(model(make_clips()).unflatten(0, (2, 2)), labels)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, weight_decay=0.1)
    loss.backward()
    optimizer.step()


def stage_state(model, name):
    return {key: value.clone() for key, value in model.stage(name).state_dict().items()}


def test_logits_are_the_linear_layer_on_the_features():
    model = make_classifier().eval()

    features = model.features(make_clips())

    assert features.shape == (4, 64)
    expected = features @ model.fc.weight.T + model.fc.bias
    torch.testing.assert_close(model(make_clips()), expected)


def test_without_classes_the_features_come_out():
    model = build_classifier("r2plus1d-tiny", 2, num_classes=0, dropout=0.0, seed=0).eval()

    assert torch.equal(model(make_clips()), model.features(make_clips()))
    assert model.stage_names == ("stem", "layer1", "layer2", "layer3")
    assert not any(key.startswith("fc") for key in model.state_dict())


def test_dropout_acts_in_training_only():
    model = make_classifier(dropout=0.5)
    features = torch.ones(1, 64)

    assert torch.equal(model.eval().classify(features), model.classify(features))
    model.train()
    assert not torch.equal(model.classify(features), model.classify(features))


@pytest.mark.parametrize("chosen", [["layer3", "fc"], ["fc"], ["stem"]])
def test_a_step_changes_the_chosen_stages_and_nothing_else(chosen):
    model = make_classifier()
    trainable_stages(model, chosen)
    before = {name: stage_state(model, name) for name in model.stage_names}

    take_step(model)

    for name in model.stage_names:
        after = stage_state(model, name)
        changed = {key for key in after if not torch.equal(after[key], before[name][key])}
        # Parameters, running statistics and batch counts: all or none.
        assert changed == (set(after) if name in chosen else set()), name


def test_all_stages_can_be_thawed_again():
    model = make_classifier()
    trainable_stages(model, ["fc"])
    trainable_stages(model, "all")

    assert model.frozen == frozenset()
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(module.training for module in model.train().modules())


def test_freezing_acts_on_a_model_that_is_already_training():
    model = make_classifier().train()

    trainable_stages(model, ["layer3", "fc"])

    assert not any(module.training for module in model.backbone.stem.modules())
    assert model.backbone.layer3.training


def test_evaluation_mode_reaches_all_stages():
    model = make_classifier()
    trainable_stages(model, ["fc"])

    assert not any(module.training for module in model.train().eval().modules())


@pytest.mark.parametrize("names", [["layer3", "conv5"], []])
def test_wrong_stages_list_the_choices(names):
    with pytest.raises(ConfigError, match="stem, layer1, layer2, layer3, fc"):
        trainable_stages(make_classifier(), names)


@pytest.mark.parametrize("num_frozen", range(5))
def test_freezing_keeps_the_first_stages(num_frozen):
    model = make_classifier()
    trainable_stages(model, {"freeze": num_frozen})

    stages = ("stem", "layer1", "layer2", "layer3")
    assert model.frozen == set(stages[:num_frozen])
    trained = {name for name, value in model.named_parameters() if value.requires_grad}
    expected = {
        name
        for name, _ in model.named_parameters()
        if not name.startswith(tuple(f"backbone.{stage}." for stage in stages[:num_frozen]))
    }
    assert trained == expected


@pytest.mark.parametrize(("count", "frozen"), [(1, 3), (2, 2), (4, 0)])
def test_the_last_stages_are_trained_with_the_head(count, frozen):
    last, rest = make_classifier(), make_classifier()
    trainable_stages(last, f"last_{count}")
    trainable_stages(rest, {"freeze": frozen})

    assert last.frozen == rest.frozen


def test_conv4_conv5_and_fc_are_the_last_two_stages_of_the_papers_network():
    model = build_classifier("r2plus1d-18", 3, 2, 0.0, seed=0)
    trainable_stages(model, "last_2")

    assert model.frozen == {"stem", "layer1", "layer2"}


def test_a_linear_probe_trains_the_classifier_alone():
    probe, frozen = make_classifier(), make_classifier()
    trainable_stages(probe, "linear_probe")
    trainable_stages(frozen, {"freeze": 4})

    assert probe.frozen == frozen.frozen == set(probe.backbone.stage_names)
    before = {name: stage_state(probe, name) for name in probe.stage_names}
    take_step(probe)
    for name in probe.backbone.stage_names:
        after = stage_state(probe, name)
        assert all(torch.equal(after[key], before[name][key]) for key in after), name
    assert not torch.equal(stage_state(probe, "fc")["weight"], before["fc"]["weight"])


def test_statistics_of_frozen_stages_can_follow_the_batches():
    model = make_classifier()
    trainable_stages(model, "linear_probe", is_updating_frozen=True)
    before = stage_state(model, "stem")

    take_step(model)

    after = stage_state(model, "stem")
    moved = {key for key in after if not torch.equal(after[key], before[key])}
    assert {key.rpartition(".")[2] for key in moved} == {
        "running_mean",
        "running_var",
        "num_batches_tracked",
    }
    model.eval()
    assert not any(module.training for module in model.modules())


@pytest.mark.parametrize("num_frozen", [-1, 5])
def test_more_frozen_stages_than_there_are_name_them(num_frozen):
    with pytest.raises(ConfigError, match="has 4: stem, layer1, layer2, layer3"):
        trainable_stages(make_classifier(), {"freeze": num_frozen})
    with pytest.raises(ConfigError, match="cannot train the last 5 stages; the backbone has 4"):
        trainable_stages(make_classifier(), "last_5")


def test_initial_weights_depend_on_the_seed_alone():
    first, same, other = make_classifier(seed=1), make_classifier(seed=1), make_classifier(seed=2)

    assert torch.equal(first.fc.weight, same.fc.weight)
    assert torch.equal(first.backbone.stem[0].weight, same.backbone.stem[0].weight)
    assert not torch.equal(first.fc.weight, other.fc.weight)


def test_a_model_without_classes_is_its_backbone():
    model = build_classifier("r2plus1d-tiny", 2, num_classes=0, dropout=0.5, seed=0).eval()

    assert model.stage_names == model.backbone.stage_names
    assert {name.split(".")[0] for name in model.state_dict()} == {"backbone"}
    assert torch.equal(model.features(make_clips()), model.backbone(make_clips()))
    assert torch.equal(model.backbone.stem[0].weight, make_classifier().backbone.stem[0].weight)


def test_a_model_without_classes_answers_with_its_features():
    model = build_classifier("r2plus1d-tiny", 2, num_classes=0, dropout=0.0, seed=0).eval()

    assert torch.equal(model(make_clips()), model.features(make_clips()))


def test_the_stages_of_a_model_without_classes_can_be_frozen():
    model = build_classifier("r2plus1d-tiny", 2, num_classes=0, dropout=0.0, seed=0)

    trainable_stages(model, ["layer3"])

    assert model.frozen == {"stem", "layer1", "layer2"}
    with pytest.raises(ConfigError, match="unknown stages fc"):
        trainable_stages(model, ["layer3", "fc"])
