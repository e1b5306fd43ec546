"""config.yaml: closed validation, presets with bases, sweeps as derived targets.

Everything here works on plain dictionaries as YAML gives them and never changes its inputs:
derived values get their own place in the returned `Settings`.
"""

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from pipelines.io.config import canonical
from pipelines.io.config_checks import (
    check_generators,
    check_recipes,
    check_source,
    check_views,
    check_weights,
)
from pipelines.io.errors import ConfigError
from pipelines.io.schema import Section, check, check_one_of, with_defaults, without_required

# Rows beside the recipes of a preset's `pretraining` and its `weights`, called like these.
METHODS = ("random", "appearance", "mers", "mars", "supervised", "motionfit")
# Rows of the leaderboard that train no network.
CONTROLS = ("idt_svm",)
# Whose required keys hold for what users write; presets may be partial there.
COMPLETE_AS_WRITTEN = ("target", "dataset", "view", "sweep")


class Where(NamedTuple):
    """A section that a stage depends on only where another key of the preset has a value."""

    path: str
    key: str
    value: object


Sections = tuple[str | Where, ...]


@dataclass(frozen=True)
class Trial:
    """One point of a sweep: a method with overrides of its target's preset."""

    target: str
    method: str
    overrides: Section


@dataclass(frozen=True)
class Settings:
    """The validated configuration.

    Attributes:
        targets: Name -> complete target stanza; sweeps add derived ones.
        datasets: Name -> dataset stanza.
        views: Name -> view of a dataset: which of its videos are left out of a source.
        presets: Name -> complete preset, every row's recipe written out.
        bases: Preset name -> the name of its base, if it has one.
        trials: Sweep name -> its trials.
        limits: The `limits` section.
        compute: The `compute` section.
    """

    targets: dict[str, Section]
    datasets: dict[str, Section]
    views: dict[str, Section]
    presets: dict[str, Section]
    bases: dict[str, str]
    trials: dict[str, list[Trial]]
    limits: Section
    compute: Section

    def home(self, preset: str, sections: Mapping[str, Sections], stage: str) -> str:
        """The preset under whose name a stage's artifacts are kept.

        Presets that agree in everything that a stage depends on share its artifacts: the
        farthest base with equal sections is their home, else the first equal trial of the sweep.

        Args:
            preset: Name of a preset.
            sections: Stage -> dotted paths of all sections that it depends on, some of them
                only under a condition.
            stage: Name of the stage.
        """
        wanted = _pick(self.presets[preset], sections[stage])
        candidates = (*reversed(self._bases_of(preset)), *self._siblings_of(preset), preset)
        return next(
            name for name in candidates if _pick(self.presets[name], sections[stage]) == wanted
        )

    def methods(self, preset: str) -> tuple[str, ...]:
        """Every row that can be measured: built-in ones, controls, the preset's own."""
        chosen = self.presets[preset]
        return (*METHODS, *CONTROLS, *chosen["pretraining"], *chosen["weights"])

    def _bases_of(self, preset: str) -> list[str]:
        found: list[str] = []
        while preset in self.bases:
            preset = self.bases[preset]
            found.append(preset)
        return found

    def _siblings_of(self, preset: str) -> list[str]:
        """The other trials of a sweep (their names hold a dash, which users' names cannot)."""
        if "-" not in preset:
            return []
        base = self.bases[preset]
        return [name for name in self.presets if "-" in name and self.bases[name] == base]


def load_settings(config: Section, schema: Section) -> Settings:
    """Validate the configuration and resolve presets, targets and sweeps.

    Args:
        config: `config.yaml`, overlays merged.
        schema: `workflow/schemas/config.schema.yaml`.

    Raises:
        ConfigError: Naming each wrong key, what was found and what is allowed.
    """
    check(config, without_required(schema, COMPLETE_AS_WRITTEN), "")
    full = with_defaults(config, schema, schema)
    texts = {name: _text(full["presets"], name) for name in full["presets"]}
    settings = Settings(
        targets=copy.deepcopy(full["targets"]),
        datasets=full["datasets"],
        views=full["views"],
        presets={name: _written_out(text) for name, text in texts.items()},
        bases={name: raw["base"] for name, raw in full["presets"].items() if "base" in raw},
        trials={},
        limits=full["limits"],
        compute=full["compute"],
    )
    _check_presets(settings.presets, schema)
    check_views(settings.views, settings.datasets)
    for name, target in settings.targets.items():
        _check_target(name, target, settings)
    for name, sweep in full["sweeps"].items():
        settings.trials[name] = list(_expand(name, sweep, settings, texts))
    _check_presets(settings.presets, schema)
    return settings


def merged(base: Section, change: Section) -> Section:
    """`base` with `change` laid over it, key by key; lists are replaced whole."""
    result = copy.deepcopy(base)
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result


def at_path(section: Section, path: str) -> Any:  # noqa: ANN401 - any config value
    """The value at a dotted path."""
    for key in path.split("."):
        section = section[key]
    return section


def _pick(preset: Section, sections: Sections) -> str:
    """Canonical text of some sections; "" for a preset that lacks one of them."""
    wanted = [
        entry if isinstance(entry, str) else entry.path
        for entry in sections
        if isinstance(entry, str) or at_path(preset, entry.key) == entry.value
    ]
    if not all(_is_known(preset, path) for path in wanted):
        return ""
    return canonical({path: at_path(preset, path) for path in wanted})


def _text(raw: Mapping[str, Section], name: str, trail: tuple[str, ...] = ()) -> Section:
    """A preset laid over its bases, as written: rows hold only what differs in them."""
    if name in trail:
        raise ConfigError(f"presets.{trail[0]}: bases form a circle {' -> '.join((*trail, name))}")
    if trail:
        check_one_of(f"presets.{trail[-1]}.base", name, raw)
    own = {key: value for key, value in raw[name].items() if key != "base"}
    if "base" not in raw[name]:
        return own
    return merged(_text(raw, raw[name]["base"], (*trail, name)), own)


def _written_out(preset: Section) -> Section:
    """Give every row its complete recipe: the common one with the row's differences."""
    result = copy.deepcopy(preset)
    training = result.get("training", {})
    if "generator" in training:
        training["generator_appearance"] = merged(
            training["generator"], training.get("generator_appearance", {})
        )
    recipes = result.setdefault("pretraining", {})
    for recipe in recipes.values():
        recipe["clips"] = merged(result.get("clips", {}), recipe.get("clips", {}))
    evaluation = result.get("evaluation", {})
    if "finetuning" in evaluation:
        rows = evaluation.get("methods", {})
        evaluation["methods"] = {
            method: merged(evaluation["finetuning"], rows.get(method, {}))
            for method in dict.fromkeys((*METHODS, *recipes, *result.get("weights", ()), *rows))
        }
    return result


def _check_presets(presets: Mapping[str, Section], schema: Section) -> None:
    for name, preset in presets.items():
        check(preset, {**schema["$defs"]["preset"], "$defs": schema["$defs"]}, f"presets.{name}")
        mars = preset["evaluation"]["methods"]["mars"]
        if "distillation_weight" not in mars:
            raise ConfigError(
                f"presets.{name}.evaluation.methods.mars: distillation_weight is missing; "
                "MARS uses 50.0"
            )
        recipes, weights = preset["pretraining"], preset["weights"]
        for method in preset["evaluation"]["methods"]:
            check_one_of(
                f"presets.{name}.evaluation.methods", method, (*METHODS, *recipes, *weights)
            )
        check_recipes(f"presets.{name}", recipes, (*METHODS, *CONTROLS), weights)
        check_weights(f"presets.{name}", weights, (*METHODS, *CONTROLS, *recipes))
        check_generators(f"presets.{name}", preset["training"], (*recipes, *weights))
        smaller = min(preset["frames"]["size"])
        if preset["clips"]["crop_px"] > smaller:
            raise ConfigError(
                f"presets.{name}.clips.crop_px: expected at most the frames' smaller side "
                f"{smaller}, found {preset['clips']['crop_px']}"
            )


def _check_target(name: str, target: Section, settings: Settings) -> None:
    check_one_of(f"targets.{name}.preset", target["preset"], settings.presets)
    known = settings.methods(target["preset"])
    for key in ("methods", "leaderboard"):
        for method in target[key] or ():
            check_one_of(f"targets.{name}.{key}", method, known)
    check_one_of(f"targets.{name}.dataset", target["dataset"], settings.datasets)
    check_source(f"targets.{name}.source", target["source"], settings.views, settings.datasets)
    generator = target.setdefault("generator", {"dataset": target["dataset"], "split": "same"})
    check_one_of(f"targets.{name}.generator.dataset", generator["dataset"], settings.datasets)


def _expand(
    name: str, sweep: Section, settings: Settings, texts: Mapping[str, Section]
) -> Iterator[Trial]:
    """Add one derived preset and one derived target per trial."""
    check_one_of(f"sweeps.{name}.target", sweep["target"], settings.targets)
    target = settings.targets[sweep["target"]]
    common = f"{name}-base-00"
    text = _overridden(texts[target["preset"]], sweep["overrides"], common)
    settings.presets[common] = _written_out(text)
    settings.bases[common] = target["preset"]
    for method, grid in sweep["grids"].items():
        known = settings.methods(target["preset"])
        check_one_of(f"sweeps.{name}.grids", method, known)
        # Sorted, so that the order of keys in the file names no trial anew.
        paths = sorted(grid)
        for number, values in enumerate(itertools.product(*(grid[path] for path in paths))):
            overrides = dict(zip(paths, values, strict=True))
            derived = f"{name}-{method}-{number:02d}"
            settings.presets[derived] = _written_out(_overridden(text, overrides, derived))
            settings.bases[derived] = common
            settings.targets[derived] = {
                **target,
                "preset": derived,
                "seeds": sweep.get("seeds", target["seeds"]),
                "splits": sweep.get("splits", target["splits"]),
                "methods": [method],
            }
            yield Trial(derived, method, overrides)


def _overridden(text: Section, overrides: Section, name: str) -> Section:
    """Lay values over a preset as written, so that rows follow the recipe they differ from."""
    result, known = text, _written_out(text)
    for path, value in overrides.items():
        if not _is_known(known, path):
            raise ConfigError(f"sweeps: trial {name} sets {path}, which no preset has")
        change = value
        for key in reversed(path.split(".")):
            change = {key: change}
        result = merged(result, change)
    return result


def _is_known(section: Any, path: str) -> bool:  # noqa: ANN401 - any config value
    for key in path.split("."):
        if not isinstance(section, dict) or key not in section:
            return False
        section = section[key]
    return True
