"""Checks of a validated configuration that look at several keys at once."""

from collections.abc import Iterable, Mapping

from pipelines.io.errors import ConfigError
from pipelines.io.schema import Section, check_one_of
from pipelines.io.source_entries import parse_entry

MIN_ORDERED_CLIPS = 2


def check_generators(place: str, training: Section, recipes: Iterable[str]) -> None:
    """Check what the generators learn and start from.

    Args:
        place: Dotted place of the preset.
        training: Its `training` section, written out.
        recipes: Names of its pretraining recipes and published weights.

    Raises:
        ConfigError: If an order is to be told of one clip, or nothing has the name in `initial`.
    """
    for name in ("generator", "generator_appearance"):
        chosen = training[name]
        if chosen["class_weight"] < 1 and chosen["clips_per_video"] < MIN_ORDERED_CLIPS:
            raise ConfigError(
                f"{place}.training.{name}: class_weight below 1 learns the order of a video's "
                f"clips and needs clips_per_video of at least {MIN_ORDERED_CLIPS}, found "
                f"{chosen['clips_per_video']}"
            )
    initial = training["generator_appearance"].get("initial")
    if initial is not None:
        check_one_of(f"{place}.training.generator_appearance.initial", initial, recipes)


def check_labels(place: str, labels: Section) -> None:
    """Check that few labels are counted in one way.

    Args:
        place: Dotted place of the section.
        labels: The section `labels`.

    Raises:
        ConfigError: If a number per class and a share of every class are given.
    """
    if labels["per_class"] is not None and labels["fraction"] != 1:
        raise ConfigError(
            f"{place}: found per_class {labels['per_class']} and fraction {labels['fraction']}; "
            "set one, leave per_class null or fraction 1.0"
        )


def check_clustering(place: str, clustering: Section) -> None:
    """Check that clusters are fitted to at least as many units as there are clusters.

    Args:
        place: Dotted place of the section.
        clustering: The section `clustering`.

    Raises:
        ConfigError: If a limit is below the number of clusters.
    """
    for section, limit in (("kmeans", "max_fit_units"), ("vectors", "max_fit_videos")):
        chosen = clustering[section]
        if chosen[limit] is not None and chosen[limit] < chosen["num_clusters"]:
            raise ConfigError(
                f"{place}.{section}.{limit}: found {chosen[limit]}, expected at least "
                f"num_clusters, which is {chosen['num_clusters']}, or null for no limit"
            )


def check_crops(place: str, preset: Section) -> None:
    """Check that crops fit into the frames that they are cut from.

    Args:
        place: Dotted place of the preset.
        preset: Written out.

    Raises:
        ConfigError: If one does not, or the preset's own clips name a size beside `frames.size`.
    """
    own = preset["clips"]
    if own["frame_size"] is not None:
        raise ConfigError(
            f"{place}.clips.frame_size: found {own['frame_size']}, expected null: frames.size is "
            "the size for all; a recipe's clips, self-training's and evaluation's may name another"
        )
    sections = {"": preset}
    sections |= {f"pretraining.{name}.": recipe for name, recipe in preset["pretraining"].items()}
    sections["training.self_training."] = preset["training"]["self_training"]
    sections["evaluation."] = preset["evaluation"]
    cut = {f"{place}.{name}clips": section["clips"] for name, section in sections.items()}
    largest = max(clips["crop_px"] for clips in cut.values() if clips["frame_size"] is None)
    for where, clips in cut.items():
        size = clips["frame_size"]
        smaller = min(size or preset["frames"]["size"])
        if clips["crop_px"] > smaller:
            raise ConfigError(
                f"{where}.crop_px: expected at most the frames' smaller side {smaller}, found "
                f"{clips['crop_px']}"
            )
        if size is not None and smaller < largest:
            raise ConfigError(
                f"{where}.frame_size: expected no side below {largest}, the largest crop of clips "
                f"without a size of their own, found {size}"
            )


def check_schedules(place: str, section: Section) -> None:
    """Check that every warm-up ends before its schedule does: the rate would never be reached.

    Args:
        place: Dotted place of the section.
        section: A preset, written out, or a part of it.

    Raises:
        ConfigError: Naming the schedule.
    """
    for name, value in section.items():
        if not isinstance(value, dict):
            continue
        where = f"{place}.{name}"
        if name == "schedule" and value["warmup"] >= value["length"]:
            raise ConfigError(
                f"{where}.warmup: expected less than length, which is {value['length']}, found "
                f"{value['warmup']}: the learning rate would never be reached; set both"
            )
        check_schedules(where, value)


def check_held_out(place: str, trial: str, preset: Section) -> None:
    """Check that a sweep's trial holds out videos to be judged on.

    Args:
        place: Dotted place of the sweep.
        trial: Its name.
        preset: The trial's preset, written out.

    Raises:
        ConfigError: If it holds out none.
    """
    fraction = preset["validation"]["fraction"]
    # A fraction of another type is told by the schema's check of the trial.
    if fraction == 0:
        raise ConfigError(
            f"{place}: trial {trial} has validation.fraction {fraction}, and trials are compared "
            f"on validation videos; add, for example, validation.fraction: 0.5 to {place}.overrides"
        )


def check_weights(place: str, weights: Iterable[str], reserved: Iterable[str]) -> None:
    """Check that published weights, which are rows too, are called like no other row.

    Raises:
        ConfigError: If one is.
    """
    taken = set(reserved)
    for name in weights:
        if name in taken:
            raise ConfigError(
                f"{place}.weights: {name!r} is a built-in row or a recipe of `pretraining`; give "
                "the weights another name"
            )


def check_recipes(
    place: str,
    recipes: Mapping[str, Section],
    reserved: Iterable[str],
    weights: Iterable[str] = (),
) -> None:
    """Check the names of pretraining recipes and that each starts from another one, if from any.

    Args:
        place: The preset.
        recipes: Its section `pretraining`.
        reserved: Names of rows that are built in.
        weights: Names of published weights, which a recipe may start from, too.

    Raises:
        ConfigError: Naming the recipe, or the circle that initial weights form.
    """
    taken = set(reserved)
    for name, recipe in recipes.items():
        if name in taken:
            raise ConfigError(
                f"{place}.pretraining: {name!r} is a built-in row; give the recipe another name"
            )
        trail = [name]
        while (initial := recipe["initial"]) is not None:
            check_one_of(f"{place}.pretraining.{trail[-1]}.initial", initial, (*recipes, *weights))
            if initial in trail:
                circle = " -> ".join((*trail, initial))
                raise ConfigError(f"{place}.pretraining: initial weights form a circle {circle}")
            if initial not in recipes:
                break
            trail.append(initial)
            recipe = recipes[initial]


def check_rows(place: str, methods: Iterable[str], built_in: Iterable[str]) -> None:
    """Check that Table 5 has the rows that a target wants there.

    Args:
        place: Dotted place of the target.
        methods: Its rows; each is one of the preset's.
        built_in: Rows of Table 5.

    Raises:
        ConfigError: Naming a row that the leaderboard alone has.
    """
    known = list(built_in)
    for method in methods:
        if method not in known:
            raise ConfigError(
                f"{place}.methods: {method!r} is a row of the leaderboard and not of Table 5, "
                f"which has {', '.join(known)}; name it in {place}.leaderboard, or leave that "
                "null for every row"
            )


def check_views(views: Mapping[str, Section], datasets: Mapping[str, Section]) -> None:
    """Check that every view shows a dataset and is not called like one.

    Raises:
        ConfigError: If it does not, or is.
    """
    for name, view in views.items():
        check_one_of(f"views.{name}.dataset", view["dataset"], datasets)
        if name in datasets:
            raise ConfigError(f"views.{name}: a dataset has this name; give the view another")


def check_source(
    place: str,
    source: Iterable[str],
    views: Mapping[str, Section],
    datasets: Mapping[str, Section],
) -> None:
    """Check that a source's entries are datasets or views, and no view repeats another entry.

    Args:
        place: Dotted place of the source.
        source: "name", "name:split", or either with a share, "name@57%".
        views: By name.
        datasets: By name.

    Raises:
        ConfigError: Naming the entry.
    """
    try:
        names = [parse_entry(entry).name for entry in source]
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from error
    for name in names:
        check_one_of(place, name, (*datasets, *views))
    for name in names:
        shown = views[name]["dataset"] if name in views else name
        others = [views[other]["dataset"] if other in views else other for other in names]
        if name in views and others.count(shown) > 1:
            raise ConfigError(
                f"{place}: {name!r} is a view of {shown}, which stands in the source twice; "
                "leave one of them out"
            )
