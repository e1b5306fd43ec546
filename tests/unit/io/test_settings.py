import copy
from pathlib import Path

import pytest
import yaml

from pipelines.io.config import canonical
from pipelines.io.errors import ConfigError
from pipelines.io.presets import METHODS
from pipelines.io.sections import Where, at_path, merged
from pipelines.io.settings import CONTROLS, load_settings

ROOT = Path(__file__).resolve().parents[3]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())


@pytest.fixture
def config():
    return copy.deepcopy(SHIPPED)


def put(config, path, value):
    *parents, last = path.split(".")
    at_path(config, ".".join(parents))[last] = value


def sweep(**changes):
    return {
        "tune": {
            "target": "demo",
            "overrides": {"validation.fraction": 0.5},
            "grids": {"random": {"evaluation.methods.random.optimizer.learning_rate": [1.0, 2.0]}},
            **changes,
        }
    }


def rate(settings, preset, method="random"):
    return settings.presets[preset]["evaluation"]["methods"][method]["optimizer"]["learning_rate"]


def test_the_shipped_configuration_loads_and_every_preset_is_complete(config):
    settings = load_settings(config, SCHEMA)

    assert set(settings.presets) == set(SHIPPED["presets"])
    for preset in settings.presets.values():
        assert set(preset["evaluation"]["methods"]) == {*METHODS, *preset["pretraining"]}
        parts = (preset["training"], preset["pretraining"], preset["evaluation"]["methods"])
        for recipe in [recipe for part in parts for recipe in part.values()]:
            assert recipe["schedule"]["length"] > 0
    assert config == SHIPPED


@pytest.mark.parametrize("name", ["examples/ut_interaction.yaml", "sweeps/demo.yaml"])
def test_the_overlays_in_the_manual_load(config, name):
    overlay = yaml.safe_load((ROOT / "docs" / name).read_text())

    settings = load_settings(merged(config, overlay), SCHEMA)

    assert set(overlay.get("targets", {})) <= set(settings.targets)
    assert set(overlay.get("sweeps", {})) == set(settings.trials)


def test_the_paper_preset_is_as_printed(config):
    # MotionFit section 4.2 and Table 3.
    paper = load_settings(config, SCHEMA).presets["paper"]

    schedule = paper["training"]["generator"]["schedule"]
    assert (schedule["unit"], schedule["length"]) == ("epochs", 120)
    assert schedule["drops"] == [40, 60, 80]
    assert paper["training"]["generator"]["clips_per_video"] == 3
    assert paper["training"]["generator"]["class_weight"] == 1
    assert paper["training"]["self_training"]["schedule"]["drops"] == [20, 40]
    assert paper["clustering"]["kmeans"]["num_clusters"] == 1000
    assert (paper["clips"]["num_frames"], paper["clips"]["crop_px"]) == (16, 112)
    assert paper["frames"]["size"] == [128, 171]
    assert paper["evaluation"]["methods"]["motionfit"]["trainable"] == "last_2"
    assert paper["evaluation"]["methods"]["random"]["trainable"] == "all"


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        (
            "presets.demo.training.generator.shedule",
            {},
            ["presets.demo.training.generator: unknown key 'shedule' (did you mean 'schedule'?)"],
        ),
        ("presets.demo.clips.num_frames", "8", ["presets.demo.clips.num_frames", "'8'", "write 8"]),
        (
            "presets.paper.training.generator.optimizer.learning_rate",
            "1e-3",
            ["learning_rate: expected a number, found the text '1e-3'", "write 0.001"],
        ),
        (
            "presets.demo.training.generator.optimizer.name",
            "adagrad",
            ["optimizer.name: found 'adagrad'; choices: 'sgd', 'adam', 'adamw'"],
        ),
        ("targets.demo.methods", ["motionfits"], ["targets.demo.methods: found 'motionfits'"]),
        ("targets.demo.leaderboard", ["vcpo"], ["'vcpo'", "(did you mean 'vcop'?)"]),
        (
            "presets.demo.evaluation.methods.vcpo",
            {},
            ["presets.demo.evaluation.methods: found 'vcpo'", "(did you mean 'vcop'?)"],
        ),
        (
            "presets.demo.pretraining.vcop.options.gpa",
            1,
            ["presets.demo.pretraining.vcop.options: unknown key 'gpa' (did you mean 'gap'?)"],
        ),
        (
            "presets.demo.pretraining.vcop.objective",
            "clip-order",
            ["pretraining.vcop.objective: found 'clip-order'; choices: ", "'clip_order'"],
        ),
        (
            "presets.demo.pretraining.vcop.initial",
            "vcop",
            ["presets.demo.pretraining: initial weights form a circle vcop -> vcop"],
        ),
        (
            "presets.demo.pretraining.video_la.initial",
            "video_ir_warmups",
            ["pretraining.video_la.initial: found 'video_ir_warmups'", "mean 'video_ir_warmup'"],
        ),
        (
            "presets.demo.backbones.appearance",
            "r2plus1d-19",
            ["presets.demo.backbones.appearance: found 'r2plus1d-19'; choices: 'r2plus1d-18'"],
        ),
        (
            "presets.demo.weights",
            {"official": {"path": "vcop.pt", "layout": "vcp"}},
            ["presets.demo.weights.official.layout: found 'vcp'; choices: 'torchvision', 'vcop'"],
        ),
        (
            "presets.demo.weights",
            {"vcop": {"path": "vcop.pt", "layout": "vcop"}},
            ["presets.demo.weights: 'vcop' is a built-in row or a recipe"],
        ),
        ("targets.demo.preset", "dmo", ["targets.demo.preset: found 'dmo'; choices: paper, demo"]),
        ("targets.demo.dataset", "ucf", ["targets.demo.dataset: found 'ucf'; choices: demo"]),
        ("targets.demo.source", ["ucf:split1"], ["targets.demo.source: found 'ucf'; choices"]),
        ("targets.demo.generator", {"dataset": "x"}, ["targets.demo.generator.dataset: found 'x'"]),
        ("targets.demo.seed", [0], ["targets.demo: unknown key 'seed' (did you mean 'seeds'?)"]),
        ("datasets.demo.num_shards", 0, ["datasets.demo.num_shards: 0 is less than the minimum"]),
        ("datasets.demo.adapter", "zip", ["datasets.demo.adapter: found 'zip'; choices: 'ucf101'"]),
        ("compute.device", "gpu", ["compute.device: found 'gpu'; choices: 'auto', 'cpu', 'cuda'"]),
        ("limits.max_skipped_fraction", 5, ["limits.max_skipped_fraction: 5 is greater"]),
        ("presets.demo.base", "papr", ["presets.demo.base: found 'papr'; choices: paper, demo"]),
        (
            "presets.demo.clips.crop_px",
            9999,
            ["presets.demo.clips.crop_px: expected at most the frames' smaller side", "found 9999"],
        ),
        (
            "presets.Mine",
            {"base": "demo"},
            ["presets: found the name 'Mine'; expected text of small"],
        ),
        ("targets", {1: {}}, ["targets: found the name 1; expected text of small letters"]),
        ("datasets", {2020: {}}, ["datasets: found the name 2020; expected text of small letters"]),
        (
            "targets.demo.splits",
            ["Fold 1"],
            ["targets.demo.splits.0: found 'Fold 1'; expected small"],
        ),
        (
            "datasets.mine",
            {"splits": ["fold-1"]},
            ["datasets.mine.splits.0: found 'fold-1'; expected"],
        ),
        ("targets.demo.seeds", [1 << 32], ["targets.demo.seeds.0: 4294967296 is greater than"]),
        (
            "presets.demo.clips.rgb_std",
            [0, 1, 1],
            ["presets.demo.clips.rgb_std.0: 0 is less than or"],
        ),
        (
            "targets.demo.methods",
            ["random", "vcop"],
            [
                "targets.demo.methods: 'vcop' is a row of the leaderboard",
                "targets.demo.leaderboard",
            ],
        ),
        ("extra", 1, ["top level: unknown key 'extra'; choices: targets, datasets"]),
    ],
)
def test_what_is_wrong_is_named_with_value_and_choices(config, path, value, parts):
    if "." in path:
        put(config, path, value)
    else:
        config[path] = value

    with pytest.raises(ConfigError) as failure:
        load_settings(config, SCHEMA)
    assert [part for part in parts if part not in str(failure.value)] == []


def test_a_preset_without_base_must_be_complete(config):
    config["presets"]["mine"] = {"clips": copy.deepcopy(config["presets"]["paper"]["clips"])}

    with pytest.raises(ConfigError, match=r"presets\.mine: .*'frames' is a required property"):
        load_settings(config, SCHEMA)


def test_mars_needs_the_weight_of_its_feature_term(config):
    del config["presets"]["paper"]["evaluation"]["methods"]["mars"]["distillation_weight"]

    with pytest.raises(ConfigError, match=r"methods\.mars: distillation_weight is missing"):
        load_settings(config, SCHEMA)


def test_bases_that_form_a_circle_are_refused(config):
    config["presets"]["one"] = {"base": "two"}
    config["presets"]["two"] = {"base": "one"}

    with pytest.raises(ConfigError, match=r"presets\.one: bases form a circle one -> two -> one"):
        load_settings(config, SCHEMA)


def test_defaults_are_filled_in(config):
    for name in ("sweeps", "limits", "compute"):
        del config[name]
    config["targets"]["mine"] = {"dataset": "ucf101", "source": ["ucf101"]}

    settings = load_settings(config, SCHEMA)

    assert settings.limits == {"max_skipped_fraction": 0.05}
    assert settings.compute == {
        "num_threads": 1,
        "num_workers": 0,
        "device": "auto",
        "checkpoint_seconds": 60,
        "tensorboard": False,
        "num_processes": 1,
        "sync_batch_norm": "auto",
        "compile_networks": False,
        "temporary_frames": False,
    }
    assert settings.trials == {}
    assert settings.targets["mine"] == {
        "preset": "paper",
        "dataset": "ucf101",
        "splits": ["split1"],
        "seeds": [0],
        "source": ["ucf101"],
        "generator": {"dataset": "ucf101", "split": "same"},
        "methods": list(METHODS),
        "leaderboard": None,
    }


def test_numbers_written_without_a_point_are_the_same_values(config):
    config["presets"]["mine"] = {"base": "demo", "motion": {"flow": {"bound_px": 8}}}
    config["presets"]["yours"] = {"base": "demo", "motion": {"flow": {"bound_px": 8.0}}}

    presets = load_settings(config, SCHEMA).presets

    assert canonical(presets["mine"]) == canonical(presets["yours"])


def test_a_preset_holds_only_what_differs_from_its_base(config):
    config["presets"]["demo"]["training"]["generator_appearance"] = {"clips_per_video": 1}
    config["presets"]["mine"] = {
        "base": "smoke",
        "clips": {"stride": 2},
        "training": {"generator": {"optimizer": {"learning_rate": 0.5}}},
    }

    settings = load_settings(config, SCHEMA)
    mine, smoke = settings.presets["mine"], settings.presets["smoke"]

    assert mine["clips"] == {**smoke["clips"], "stride": 2}
    assert mine["training"]["generator"]["schedule"] == smoke["training"]["generator"]["schedule"]
    # A base's rows are merged as they were written, so the common recipe reaches them.
    assert mine["training"]["generator_appearance"] == {
        **mine["training"]["generator"],
        "clips_per_video": 1,
        "schedule": smoke["training"]["generator_appearance"]["schedule"],
    }
    assert mine["training"]["generator"]["optimizer"]["learning_rate"] == 0.5
    assert mine["training"]["self_training"] == {
        **smoke["training"]["self_training"],
        "clips": mine["clips"],
    }
    assert "base" not in mine


def test_rows_are_the_common_recipe_with_their_differences(config):
    config["presets"]["demo"]["evaluation"]["methods"]["mers"] = {"dropout": 0.5}

    evaluation = load_settings(config, SCHEMA).presets["demo"]["evaluation"]

    assert evaluation["methods"]["motionfit"] == evaluation["finetuning"]
    assert evaluation["methods"]["mers"] == {**evaluation["finetuning"], "dropout": 0.5}


SECTIONS = {
    "frames": ("frames",),
    "generator": ("frames", "motion", "training.generator"),
    "finetuning": ("frames", "evaluation.finetuning"),
}


def test_presets_share_the_artifacts_of_stages_that_they_agree_in(config):
    config["presets"]["mine"] = {"base": "demo", "evaluation": {"finetuning": {"dropout": 0.5}}}
    config["presets"]["yours"] = {"base": "mine", "frames": {"jpeg_quality": 50}}

    settings = load_settings(config, SCHEMA)

    def homes(preset):
        return {stage: settings.home(preset, SECTIONS, stage) for stage in SECTIONS}

    assert homes("mine") == {"frames": "demo", "generator": "demo", "finetuning": "mine"}
    assert homes("yours") == {"frames": "yours", "generator": "yours", "finetuning": "yours"}
    assert homes("demo") == {"frames": "demo", "generator": "demo", "finetuning": "demo"}


def test_a_section_under_a_condition_counts_where_the_condition_holds(config):
    config["presets"]["mine"] = {"base": "demo", "motion": {"raft": {"num_updates": 3}}}
    config["presets"]["raft"] = {"base": "demo", "motion": {"flow": {"source": "raft"}}}
    config["presets"]["more"] = {"base": "raft", "motion": {"raft": {"num_updates": 3}}}
    sections = {"flow": ("motion.flow", Where("motion.raft", "motion.flow.source", "raft"))}

    settings = load_settings(config, SCHEMA)

    homes = [settings.home(name, sections, "flow") for name in ("mine", "raft", "more")]
    assert homes == ["demo", "raft", "more"]


def test_a_sweep_tries_every_combination(config):
    path = "evaluation.methods.random"
    grid = {f"{path}.optimizer.learning_rate": [1.0, 2.0], f"{path}.dropout": [0.1, 0.2]}
    config["sweeps"] = sweep(grids={"random": grid, "mars": {f"{path}.dropout": [0.3]}}, seeds=[4])

    settings = load_settings(config, SCHEMA)

    trials = settings.trials["tune"]
    assert [trial.target for trial in trials] == [
        "tune-random-00",
        "tune-random-01",
        "tune-random-02",
        "tune-random-03",
        "tune-mars-00",
    ]
    assert [tuple(trial.overrides.values()) for trial in trials[:4]] == [
        (0.1, 1.0),
        (0.1, 2.0),
        (0.2, 1.0),
        (0.2, 2.0),
    ]
    for trial in trials:
        target = settings.targets[trial.target]
        assert target == {
            **settings.targets["demo"],
            "preset": trial.target,
            "seeds": [4],
            "methods": [trial.method],
        }
        for key, value in trial.overrides.items():
            assert at_path(settings.presets[trial.target], key) == value
    assert settings.presets["demo"] == load_settings(SHIPPED, SCHEMA).presets["demo"]


def test_the_order_of_a_grids_keys_names_no_trial_anew(config):
    path = "evaluation.methods.random"
    grid = {f"{path}.optimizer.learning_rate": [1.0, 2.0], f"{path}.dropout": [0.1, 0.2]}
    turned = dict(reversed(grid.items()))

    config["sweeps"] = sweep(grids={"random": grid})
    settings = load_settings(config, SCHEMA)
    config["sweeps"] = sweep(grids={"random": turned})

    assert load_settings(config, SCHEMA).trials == settings.trials


def test_trials_share_what_their_overrides_leave_alone(config):
    config["sweeps"] = sweep(
        overrides={"validation.fraction": 0.123},
        grids={
            "random": {"evaluation.methods.random.dropout": [0.1, 0.2]},
            "motionfit": {
                "training.self_training.dropout": [0.3, 0.4],
                "evaluation.methods.motionfit.dropout": [0.1, 0.2],
            },
        },
    )
    sections = {
        "frames": ("frames",),
        "generator": ("frames", "validation", "training.generator"),
        "self_training": ("frames", "validation", "training.self_training"),
    }

    settings = load_settings(config, SCHEMA)

    def homes(stage):
        return [settings.home(t.target, sections, stage) for t in settings.trials["tune"]]

    assert homes("frames") == ["demo"] * 6
    assert homes("generator") == ["tune-base-00"] * 6
    first, second = "tune-motionfit-00", "tune-motionfit-01"
    assert homes("self_training") == ["tune-base-00"] * 2 + [first, second, first, second]


def test_an_override_of_a_common_recipe_reaches_its_rows(config):
    demo = config["presets"]["demo"]
    demo["training"]["generator_appearance"] = {}
    demo["evaluation"]["methods"] = {"random": {"optimizer": {"learning_rate": 0.25}}}
    config["sweeps"] = sweep(
        grids={
            "motionfit": {"evaluation.finetuning.optimizer.learning_rate": [5.0]},
            "random": {"evaluation.finetuning.optimizer.learning_rate": [5.0]},
            "appearance": {"training.generator.dropout": [0.5]},
        }
    )

    settings = load_settings(config, SCHEMA)

    assert rate(settings, "tune-motionfit-00", "motionfit") == 5.0
    assert rate(settings, "tune-random-00", "random") == 0.25
    appearance = settings.presets["tune-appearance-00"]["training"]["generator_appearance"]
    assert appearance["dropout"] == 0.5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "dmo"}, r"sweeps\.tune\.target: found 'dmo'; choices: .*did you mean 'demo'"),
        ({"overrides": {"clips.size": 1}}, r"sweeps: trial tune-base-00 sets clips\.size, which"),
        ({"grids": {"random": {"colour": [1]}}}, "trial tune-random-00 sets colour, which no"),
        (
            {"grids": {"random": {"training.generator.checkpoint.last": [1]}}},
            r"sets training\.generator\.checkpoint\.last, which no preset has",
        ),
        (
            {"grids": {"random": {"clips.crop_px": ["56"]}}},
            r"presets\.tune-random-00\.clips\.crop_px: expected a whole number, found the text",
        ),
        ({"grids": {"stc": {"clips.crop_px": [8]}}}, r"sweeps\.tune\.grids: found 'stc'; choices"),
        ({"overrides": {}}, r"sweeps\.tune: trial tune-random-00 has validation\.fraction 0\.0"),
    ],
)
def test_wrong_sweeps_are_refused(config, changes, message):
    config["sweeps"] = sweep(**changes)

    with pytest.raises(ConfigError, match=message):
        load_settings(config, SCHEMA)


def test_merging_goes_key_by_key_and_replaces_lists():
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 1}

    assert merged(base, {"a": {"c": [3]}, "e": {"f": 2}, "d": {"g": 1}}) == {
        "a": {"b": 1, "c": [3]},
        "d": {"g": 1},
        "e": {"f": 2},
    }
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


def test_a_recipe_has_the_presets_clips_with_its_differences(config):
    config["presets"]["demo"]["pretraining"]["vcop"]["clips"] = {"stride": 3}

    demo = load_settings(config, SCHEMA).presets["demo"]

    assert demo["pretraining"]["vcop"]["clips"] == {**demo["clips"], "stride": 3}


def test_a_recipe_is_a_row_with_the_common_finetuning(config):
    settings = load_settings(config, SCHEMA)

    recipes = settings.presets["demo"]["pretraining"]
    assert settings.methods("demo") == (*METHODS, *CONTROLS, *recipes)
    evaluation = settings.presets["paper"]["evaluation"]
    assert evaluation["methods"]["vcop"] == evaluation["finetuning"]


def test_a_recipe_may_not_be_called_like_a_built_in_row(config):
    recipes = config["presets"]["paper"]["pretraining"]
    recipes["mers"] = recipes["vcop"]

    with pytest.raises(ConfigError, match="'mers' is a built-in row"):
        load_settings(config, SCHEMA)


def test_a_control_trains_no_network(config):
    # Nothing of it can be fine-tuned, and no recipe takes its name.
    settings = load_settings(config, SCHEMA)
    assert "idt_svm" not in settings.presets["demo"]["evaluation"]["methods"]

    recipes = config["presets"]["paper"]["pretraining"]
    recipes["idt_svm"] = recipes["vcop"]
    with pytest.raises(ConfigError, match="'idt_svm' is a built-in row"):
        load_settings(config, SCHEMA)


def test_a_preset_without_a_stages_section_is_not_its_home(config):
    demo = config["presets"]["demo"]
    demo["pretraining"]["mine"] = config["presets"]["paper"]["pretraining"]["vcop"]

    settings = load_settings(config, SCHEMA)

    assert settings.home("smoke", {"mine": ("pretraining.mine",)}, "mine") == "smoke"
    assert settings.home("smoke", {"mine": ("frames.max_frames",)}, "mine") == "paper"


# Of what a protocol sets beside labels and test, per name: frozen stages of a ResNet's five.
PRINTED = {
    "full": ("accuracy", "all", 16, 1, (10, 1)),
    "linear_probe": ("accuracy", "linear_probe", 16, 1, (10, 1)),
    "motionfit_finetuning": ("accuracy", "last_2", 16, 1, (10, 1)),
    "mosi_frozen_3": ("accuracy", {"freeze": 3}, 16, 1, (10, 1)),
    "mosi_finetuning_code": ("accuracy", "all", 16, 4, (10, 1)),
    "modist_full": ("accuracy", "all", 32, 8, (10, 3)),
    "modist_linear_8x8": ("accuracy", "linear_probe", 8, 8, (10, 3)),
    "modist_ssv2_full": ("accuracy", "all", 16, 3, (1, 1)),
    "idt_finetuning_ucf101": ("accuracy", {"freeze": 2}, 16, 1, (5, 1)),
    "idt_finetuning_hmdb51": ("accuracy", {"freeze": 3}, 16, 1, (5, 1)),
    "idt_few_shot": ("accuracy", "linear_probe", 16, 1, (5, 1)),
    "vcop_retrieval_code": ("retrieval", "last_2", 16, 1, (10, 1)),
}


@pytest.mark.parametrize(("name", "expected"), PRINTED.items(), ids=PRINTED)
def test_protocols_are_as_printed_on_the_paper_preset(config, name, expected):
    config["presets"]["judged"] = {"base": "paper", "protocol": name}
    settings = load_settings(config, SCHEMA)

    found = settings.presets["judged"]["evaluation"]
    trainable = found["methods"]["motionfit"]["trainable"]
    clips, test = found["clips"], found["test"]
    views = (test["num_clips"], test["num_crops"])
    measures = settings.protocols[name].measures
    assert (measures, trainable, clips["num_frames"], clips["stride"], views) == expected
    assert settings.presets["judged"]["clips"] == settings.presets["paper"]["clips"]


@pytest.mark.parametrize("base", ["paper", "demo", "smoke"])
def test_every_protocol_makes_a_valid_preset(config, base):
    for name in config["protocols"]:
        config["presets"][f"judged_{name}"] = {"base": base, "protocol": name}

    settings = load_settings(config, SCHEMA)

    for name in config["protocols"]:
        judged = settings.presets[f"judged_{name}"]
        assert {**judged, "evaluation": {}} == {**settings.presets[base], "evaluation": {}}


def test_a_preset_may_differ_from_its_protocol(config):
    config["presets"]["judged"] = {
        "base": "demo",
        "protocol": "idt_few_shot",
        "evaluation": {"labels": {"per_class": 5, "draw": 2}},
    }
    found = load_settings(config, SCHEMA).presets["judged"]["evaluation"]

    assert found["labels"] == {"per_class": 5, "fraction": 1.0, "choice": "random", "draw": 2}
    assert found["methods"]["random"]["trainable"] == "linear_probe"
    # The row's own schedule stays.
    assert found["methods"]["random"]["schedule"]["length"] == 2000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocols.full": {"measures": "accuracy"}}, "evaluation"),
        ({"protocols.full.measures": "recall"}, "choices: 'accuracy', 'retrieval'"),
        ({"protocols.full.evaluation": {"tests": {}}}, "unknown key 'tests'.*did you mean 'test'"),
        ({"presets.demo.protocol": "ful"}, "presets.demo.protocol.*did you mean 'full'"),
        ({"presets.demo.evaluation.labels": {"per_class": 1, "fraction": 0.5}}, "set one"),
        ({"presets.demo.evaluation.test": {"num_crops": 2}}, "num_crops: found 2"),
        ({"presets.demo.evaluation.clips": {"crop_px": 65}}, "evaluation.clips.crop_px"),
        (
            {"presets.demo.training.self_training.clips": {"frame_size": [80, 90], "crop_px": 81}},
            "demo.training.self_training.clips.crop_px: expected at most .* 80, found 81",
        ),
        ({"presets.demo.pretraining.vcop.clips": {"crop_px": 65}}, "demo.pretraining.vcop.clips.c"),
        (
            {"presets.demo.evaluation.clips": {"frame_size": [50, 90], "crop_px": 50}},
            r"demo.evaluation.clips.frame_size: expected no side below 56, .* found \[50, 90\]",
        ),
        ({"presets.demo.clips.frame_size": [64, 86]}, "demo.clips.frame_size: .*expected null"),
    ],
)
def test_wrong_protocols_are_explained(config, change, message):
    for path, value in change.items():
        put(config, path, value)

    with pytest.raises(ConfigError, match=message):
        load_settings(config, SCHEMA)


def test_published_weights_are_rows_with_a_recipe_of_their_own(config):
    config["presets"]["demo"]["weights"] = {"official": {"path": "a.pt", "layout": "vcop"}}
    put(config, "presets.demo.evaluation.methods.official", {"trainable": ["fc"]})

    settings = load_settings(config, SCHEMA)

    assert settings.methods("demo")[-1] == settings.methods("smoke")[-1] == "official"
    assert "official" not in settings.methods("paper")
    evaluation = settings.presets["demo"]["evaluation"]
    expected = evaluation["finetuning"] | {"trainable": ["fc"]}
    assert evaluation["methods"]["official"] == expected


@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ("~/videos", "home/videos"),
        ("./videos/", "videos"),
        ("videos//far/../near", "videos/far/../near"),
        (str(Path.cwd() / "videos"), "videos"),
        ("/elsewhere/videos/", "/elsewhere/videos"),
    ],
)
def test_a_root_may_stand_in_the_home_folder(config, monkeypatch, root, expected):
    monkeypatch.setenv("HOME", "home")
    put(config, "datasets.ucf101.root", root)

    assert load_settings(config, SCHEMA).datasets["ucf101"]["root"] == expected
    assert config["datasets"]["ucf101"]["root"] == root


def test_the_home_of_an_unknown_user_is_refused(config):
    put(config, "datasets.ucf101.root", "~nobody-of-that-name/videos")

    with pytest.raises(ConfigError, match=r"datasets\.ucf101\.root: .*write the whole path"):
        load_settings(config, SCHEMA)
