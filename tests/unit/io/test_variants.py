import copy

import pytest

from pipelines.io.errors import ConfigError
from pipelines.io.protocols import Protocol
from pipelines.io.variants import LazyPresets, PresetVariants

TEXT = {
    "frames": {"size": [8, 8]},
    "clips": {"num_frames": 16},
    "pretraining": {"vcop": {"clips": {}, "length": 3}},
    "evaluation": {"finetuning": {"rate": 0.1, "trainable": "all"}, "methods": {}},
}


@pytest.fixture
def checked():
    return []


@pytest.fixture
def variants(checked):
    protocols = {
        "probe": Protocol("accuracy", {"finetuning": {"trainable": "fc"}}),
        "as_it_is": Protocol("accuracy", {"finetuning": {"trainable": "all"}}),
    }
    return PresetVariants({"paper": copy.deepcopy(TEXT)}, protocols, checked.extend)


def test_equal_changes_have_one_name_whatever_their_order(variants):
    one = variants.name("paper", {"clips.num_frames": 8, "frames.size": [4, 4]})
    other = variants.name("paper", {"frames.size": [4, 4], "clips.num_frames": 8})

    assert one == other
    assert one.startswith("paper-")
    assert one != variants.name("paper", {"clips.num_frames": 8})


def test_values_that_the_root_has_anyway_change_nothing(variants):
    assert variants.name("paper", {"clips.num_frames": 16}) == "paper"
    assert variants.name("paper", {"clips.num_frames": 16, "frames.size": [4, 4]}) == variants.name(
        "paper", {"frames.size": [4, 4]}
    )


def test_rows_follow_what_they_inherit(variants, checked):
    name = variants.name("paper", {"clips.num_frames": 8, "evaluation.finetuning.rate": 0.2})

    preset = variants.preset(name)

    assert preset["pretraining"]["vcop"]["clips"] == {"num_frames": 8}
    assert preset["evaluation"]["methods"]["random"] == {"rate": 0.2, "trainable": "all"}
    assert checked == [name]


def test_changes_may_be_right_only_together():
    def check(presets):
        for name, preset in presets.items():
            if preset["clips"]["crop"] > preset["size"]:
                raise ConfigError(f"{name}: the crop does not fit")

    text = {"size": 8, "clips": {"crop": 8}, "rate": 1, "evaluation": {}}
    variants = PresetVariants({"paper": text}, {}, check)
    name = variants.name("paper", {"size": 16, "clips.crop": 12, "rate": 2})

    assert variants.restricted(name, ("size",)) == variants.name("paper", {"size": 16})
    assert variants.restricted(name, ("rate",)) == variants.name("paper", {"rate": 2})
    # Clips of 12 px alone are wrong: their artifacts stand under the whole variant.
    assert variants.restricted(name, ("clips",)) == name
    both = variants.name("paper", {"size": 16, "clips.crop": 12})
    assert variants.restricted(name, ("size", "clips")) == both


def test_an_unknown_key_is_refused(variants):
    with pytest.raises(ConfigError, match=r"clips\.num_frame: preset paper has no such key"):
        variants.name("paper", {"clips.num_frame": 8})


def test_restricted_to_the_changes_that_a_stage_feels(variants):
    both = variants.name("paper", {"clips.num_frames": 8, "evaluation.finetuning.rate": 0.2})

    assert variants.restricted(both, ("frames",)) == "paper"
    # The recipe's clips are the preset's, so it feels a change of them.
    clips = variants.name("paper", {"clips.num_frames": 8})
    assert variants.restricted(both, ("frames", "pretraining.vcop")) == clips
    assert variants.restricted(both, ("clips", "evaluation")) == both


def test_lazy_presets_build_variants_and_do_not_count_them(variants):
    presets = LazyPresets({"paper": {}}, variants)
    name = variants.name("paper", {"clips.num_frames": 8})

    assert presets[name]["clips"]["num_frames"] == 8
    assert list(presets) == ["paper"]
    with pytest.raises(KeyError):
        presets["paper-00000000"]


def test_a_protocol_is_part_of_the_variant_where_it_changes_anything(variants):
    probed = variants.name("paper", {}, "probe")
    both = variants.name("paper", {"clips.num_frames": 8}, "probe")

    assert variants.name("paper", {}, "as_it_is") == "paper"
    assert len({"paper", probed, both, variants.name("paper", {"clips.num_frames": 8})}) == 4
    assert variants.preset(both)["evaluation"]["methods"]["random"]["trainable"] == "fc"
    with pytest.raises(ConfigError, match="found 'prob'; choices: probe, as_it_is"):
        variants.name("paper", {}, "prob")


def test_stages_before_evaluation_do_not_feel_a_protocol(variants):
    both = variants.name("paper", {"clips.num_frames": 8}, "probe")

    plain = variants.name("paper", {"clips.num_frames": 8})
    assert variants.restricted(both, ("pretraining.vcop",)) == plain
    assert variants.restricted(both, ("evaluation.finetuning",)) == variants.name(
        "paper", {}, "probe"
    )


def test_a_change_that_undoes_a_protocol_leaves_the_root(variants):
    changes = {"evaluation.finetuning.trainable": "all", "clips.num_frames": 8}
    undone = variants.name("paper", changes, "probe")

    assert variants.restricted(undone, ("evaluation.finetuning",)) == "paper"
    assert variants.restricted(undone, ("clips", "evaluation.finetuning")) != "paper"
