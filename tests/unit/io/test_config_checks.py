import pytest

from pipelines.io.config_checks import (
    check_clustering,
    check_generators,
    check_held_out,
    check_labels,
    check_recipes,
    check_schedules,
    check_source,
    check_views,
    check_weights,
)
from pipelines.io.errors import ConfigError

DATASETS = {"kinetics400": {}, "ucf101": {}}
VIEWS = {"reduced": {"dataset": "kinetics400", "exclude_classes": ["archery"]}}


def training(**appearance):
    generator = {"class_weight": 1.0, "clips_per_video": 1}
    return {"generator": generator, "generator_appearance": generator | appearance}


def test_what_fits_passes():
    check_generators("presets.p", training(), [])
    check_generators("presets.p", training(class_weight=0.0, clips_per_video=2), [])
    check_generators("presets.p", training(initial="vcop"), ["vcop"])
    check_generators("presets.p", training(initial=None), [])
    check_views(VIEWS, DATASETS)
    check_source("targets.t.source", ["reduced:train", "ucf101:split1"], VIEWS, DATASETS)


def test_one_clip_has_no_order_to_learn():
    with pytest.raises(
        ConfigError, match=r"presets\.p\.training\.generator_appearance: .* found 1"
    ):
        check_generators("presets.p", training(class_weight=0.5), [])


def test_initial_weights_come_from_a_known_recipe():
    with pytest.raises(ConfigError, match=r"appearance\.initial: found 'vcp'; .*mean 'vcop'"):
        check_generators("presets.p", training(initial="vcp"), ["vcop"])


def test_a_view_shows_a_dataset_under_another_name():
    with pytest.raises(ConfigError, match=r"views\.reduced\.dataset: found 'kinetics40'"):
        check_views({"reduced": {"dataset": "kinetics40"}}, DATASETS)
    with pytest.raises(ConfigError, match=r"views\.ucf101: a dataset has this name"):
        check_views({"ucf101": {"dataset": "kinetics400"}}, DATASETS)


@pytest.mark.parametrize("source", [["reduced", "kinetics400"], ["reduced:a", "reduced:b"]])
def test_a_view_and_its_dataset_are_no_two_sources(source):
    with pytest.raises(ConfigError, match="'reduced' is a view of kinetics400, which stands"):
        check_source("targets.t.source", source, VIEWS, DATASETS)


def test_an_unknown_source_is_told_datasets_and_views():
    with pytest.raises(ConfigError, match=r"source: found 'redced'; .*reduced \(did you mean"):
        check_source("targets.t.source", ["redced"], VIEWS, DATASETS)


def test_recipes_start_from_each_other_without_a_circle():
    check_recipes("presets.p", {"a": {"initial": None}, "b": {"initial": "a"}}, ["random"])

    with pytest.raises(ConfigError, match=r"presets\.p\.pretraining: .* circle b -> c -> b"):
        check_recipes("presets.p", {"b": {"initial": "c"}, "c": {"initial": "b"}}, [])
    with pytest.raises(ConfigError, match=r"pretraining\.b\.initial: found 'd'; choices: b"):
        check_recipes("presets.p", {"b": {"initial": "d"}}, [])


def test_a_recipe_does_not_take_a_built_in_name():
    with pytest.raises(ConfigError, match="'random' is a built-in row"):
        check_recipes("presets.p", {"random": {"initial": None}}, ["random"])


def test_few_labels_are_counted_in_one_way():
    labels = {"per_class": None, "fraction": 1.0, "choice": "random", "draw": 0}
    for fine in ({}, {"per_class": 3}, {"fraction": 0.2}):
        check_labels("labels", labels | fine)

    with pytest.raises(ConfigError, match=r"labels: found per_class 3 and fraction 0\.2"):
        check_labels("labels", labels | {"per_class": 3, "fraction": 0.2})


@pytest.mark.parametrize(
    ("section", "limit"), [("kmeans", "max_fit_units"), ("vectors", "max_fit_videos")]
)
def test_clusters_are_fitted_to_as_many_units_at_least(section, limit):
    def clustering(most):
        fine = {
            "kmeans": {"num_clusters": 8, "max_fit_units": None},
            "vectors": {"num_clusters": 8, "max_fit_videos": None},
        }
        return fine | {section: {"num_clusters": 8, limit: most}}

    for fine in (None, 8, 9):
        check_clustering("presets.p.clustering", clustering(fine))
    with pytest.raises(ConfigError, match=rf"p\.clustering\.{section}\.{limit}: found 7, .* is 8"):
        check_clustering("presets.p.clustering", clustering(7))


def test_recipes_and_generators_start_from_published_weights_too():
    recipes = {"a": {"initial": "official"}, "b": {"initial": "a"}}

    check_recipes("presets.p", recipes, ["random"], ["official"])
    check_generators("presets.p", training(initial="official"), [*recipes, "official"])
    with pytest.raises(ConfigError, match=r"a\.initial: found 'official'; choices: a, b, others"):
        check_recipes("presets.p", recipes, [], ["others"])


def test_published_weights_have_names_of_their_own():
    check_weights("presets.p", ["official"], ["random", "vcop"])

    with pytest.raises(ConfigError, match=r"presets\.p\.weights: 'vcop' is a built-in row or"):
        check_weights("presets.p", ["official", "vcop"], ["random", "vcop"])


def test_a_trial_holds_out_videos():
    check_held_out("sweeps.tune", "tune-random-00", {"validation": {"fraction": 0.5}})

    message = (
        r"sweeps\.tune: trial tune-random-00 has validation\.fraction 0, .* to sweeps\.tune\.o"
    )
    with pytest.raises(ConfigError, match=message):
        check_held_out("sweeps.tune", "tune-random-00", {"validation": {"fraction": 0}})


def test_a_warm_up_ends_before_its_schedule():
    preset = {
        "training": {"generator": {"schedule": {"warmup": 3, "length": 4}}},
        "clips": {"n": 1},
    }
    check_schedules("presets.p", preset)

    preset["training"]["generator"]["schedule"]["warmup"] = 4
    with pytest.raises(
        ConfigError,
        match=r"presets\.p\.training\.generator\.schedule\.warmup: expected less than length, "
        r"which is 4, found 4",
    ):
        check_schedules("presets.p", preset)
