"""Presets: layers of plain dictionaries, as users write them and as rules read them.

A preset *as written* holds only what differs from its base, and rows only what differs from the
common recipe; *written out*, every row has its whole recipe.
"""

import copy
from collections.abc import Mapping

from pipelines.io.errors import ConfigError
from pipelines.io.protocols import Protocol, under_protocol
from pipelines.io.schema import Section, check_one_of
from pipelines.io.sections import is_known, merged

# Rows beside the recipes of a preset's `pretraining` and its `weights`, called like these.
METHODS = ("random", "appearance", "mers", "mars", "supervised", "motionfit")


def layered(
    raw: Mapping[str, Section],
    protocols: Mapping[str, Protocol],
    name: str,
    trail: tuple[str, ...] = (),
) -> Section:
    """A preset laid over its protocol and its bases, as written: rows hold only what differs."""
    if name in trail:
        raise ConfigError(f"presets.{trail[0]}: bases form a circle {' -> '.join((*trail, name))}")
    if trail:
        check_one_of(f"presets.{trail[-1]}.base", name, raw)
    own, found = dict(raw[name]), {}
    if base := own.pop("base", None):
        found = layered(raw, protocols, base, (*trail, name))
    if protocol := own.pop("protocol", None):
        check_one_of(f"presets.{name}.protocol", protocol, protocols)
        found = under_protocol(found, protocols[protocol])
    return merged(found, own)


def written_out(preset: Section) -> Section:
    """Give every row its complete recipe: the common one with the row's differences."""
    result = copy.deepcopy(preset)
    training = result.get("training", {})
    if "generator" in training:
        training["generator_appearance"] = merged(
            training["generator"], training.get("generator_appearance", {})
        )
    clips = result.get("clips", {})
    if "self_training" in training:
        own = training["self_training"]
        own["clips"] = merged(clips, own.get("clips", {}))
    recipes = result.setdefault("pretraining", {})
    for recipe in recipes.values():
        recipe["clips"] = merged(clips, recipe.get("clips", {}))
    evaluation = result.setdefault("evaluation", {})
    evaluation["clips"] = merged(clips, evaluation.get("clips", {}))
    if "finetuning" in evaluation:
        rows = evaluation.get("methods", {})
        evaluation["methods"] = {
            method: merged(evaluation["finetuning"], rows.get(method, {}))
            for method in dict.fromkeys((*METHODS, *recipes, *result.get("weights", ()), *rows))
        }
    return result


def overridden(text: Section, overrides: Section, name: str) -> Section:
    """Lay values over a preset as written, so that rows follow the recipe they differ from."""
    result, known = text, written_out(text)
    for path, value in overrides.items():
        if not is_known(known, path):
            raise ConfigError(f"sweeps: trial {name} sets {path}, which no preset has")
        change = value
        for key in reversed(path.split(".")):
            change = {key: change}
        result = merged(result, change)
    return result
