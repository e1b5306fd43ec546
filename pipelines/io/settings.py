"""config.yaml: closed validation, presets with bases, sweeps as derived targets.

Everything here works on plain dictionaries as YAML gives them and never changes its inputs:
derived values get their own place in the returned `Settings`.
"""

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.io.config_checks import (
    check_clustering,
    check_crops,
    check_generators,
    check_held_out,
    check_labels,
    check_recipes,
    check_rows,
    check_schedules,
    check_source,
    check_views,
    check_weights,
)
from pipelines.io.errors import ConfigError
from pipelines.io.presets import METHODS, layered, overridden, written_out
from pipelines.io.protocols import Protocol
from pipelines.io.schema import (
    Section,
    check,
    check_one_of,
    with_defaults,
    without_required,
)
from pipelines.io.sections import Sections, at_path, pick
from pipelines.io.variants import LazyPresets, PresetVariants

# Rows of the leaderboard that train no network.
CONTROLS = ("idt_svm",)
# Rows that test a network which makes pseudo-labels, on flow and on RGB, as it was trained.
GENERATORS = ("generator", "generator_appearance")
# Whose required keys hold for what users write; presets may be partial there.
COMPLETE_AS_WRITTEN = ("target", "dataset", "view", "sweep", "protocol")


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
        presets: Name -> complete preset, every row's recipe written out; variants too.
        variants: Presets that rows of tables derive.
        protocols: Name -> how to evaluate.
        bases: Preset name -> the name of its base, if it has one.
        trials: Sweep name -> its trials.
        limits: The `limits` section.
        compute: The `compute` section.
    """

    targets: dict[str, Section]
    datasets: dict[str, Section]
    views: dict[str, Section]
    presets: dict[str, Section]
    variants: PresetVariants
    protocols: dict[str, Protocol]
    bases: dict[str, str]
    trials: dict[str, list[Trial]]
    limits: Section
    compute: Section

    def home(self, preset: str, sections: Mapping[str, Sections], stage: str) -> str:
        """The preset under whose name a stage's artifacts are kept.

        Presets that agree in everything that a stage depends on share its artifacts: the
        farthest base with equal sections is their home, else the first equal trial of the sweep.
        A variant's artifacts are kept under the variant that changes only what they depend on.

        Args:
            preset: Name of a preset.
            sections: Stage -> dotted paths of all sections that it depends on, some of them
                only under a condition.
            stage: Name of the stage.
        """
        if preset in self.variants.known:
            found = self.variants.restricted(preset, sections[stage])
            is_root = found not in self.variants.known
            return self.home(found, sections, stage) if is_root else found
        wanted = pick(self.presets[preset], sections[stage])
        candidates = (*reversed(self._bases_of(preset)), *self._siblings_of(preset), preset)
        return next(
            name for name in candidates if pick(self.presets[name], sections[stage]) == wanted
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
    protocols = {name: Protocol(**raw) for name, raw in full["protocols"].items()}
    texts = {name: layered(full["presets"], protocols, name) for name in full["presets"]}
    presets = {name: written_out(text) for name, text in texts.items()}
    variants = PresetVariants(texts, protocols, lambda made: _check_presets(made, schema))
    settings = Settings(
        targets=copy.deepcopy(full["targets"]),
        datasets={name: _one_spelling(name, raw) for name, raw in full["datasets"].items()},
        views=full["views"],
        presets=LazyPresets(presets, variants),
        variants=variants,
        protocols=protocols,
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


def _one_spelling(name: str, dataset: Section) -> Section:
    """A dataset whose root is spelled in one way, so that another way re-runs nothing.

    `~` is written out, `./` and a last `/` are left out, and what lies in the present folder is
    relative to it. `..` stays: it may lead out of a link.
    """
    try:
        root = Path(dataset["root"]).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"datasets.{name}.root: expected a user whose home folder is known, found "
            f"{dataset['root']!r}; write the whole path"
        ) from error
    here = Path.cwd()
    return {**dataset, "root": str(root.relative_to(here) if root.is_relative_to(here) else root)}


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
        check_clustering(f"presets.{name}.clustering", preset["clustering"])
        for place in ("evaluation.labels", "training.generator.labels"):
            check_labels(f"presets.{name}.{place}", at_path(preset, place))
        check_crops(f"presets.{name}", preset)
        check_schedules(f"presets.{name}", preset)


def _check_target(name: str, target: Section, settings: Settings) -> None:
    check_one_of(f"targets.{name}.preset", target["preset"], settings.presets)
    known = settings.methods(target["preset"])
    for key in ("methods", "leaderboard"):
        for method in target[key] or ():
            check_one_of(f"targets.{name}.{key}", method, known)
    check_rows(f"targets.{name}", target["methods"], METHODS)
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
    text = overridden(texts[target["preset"]], sweep["overrides"], common)
    settings.presets[common] = written_out(text)
    settings.bases[common] = target["preset"]
    for method, grid in sweep["grids"].items():
        known = settings.methods(target["preset"])
        check_one_of(f"sweeps.{name}.grids", method, known)
        # Sorted, so that the order of keys in the file names no trial anew.
        paths = sorted(grid)
        for number, values in enumerate(itertools.product(*(grid[path] for path in paths))):
            overrides = dict(zip(paths, values, strict=True))
            derived = f"{name}-{method}-{number:02d}"
            settings.presets[derived] = written_out(overridden(text, overrides, derived))
            settings.bases[derived] = common
            check_held_out(f"sweeps.{name}", derived, settings.presets[derived])
            settings.targets[derived] = {
                **target,
                "preset": derived,
                "seeds": sweep.get("seeds", target["seeds"]),
                "splits": sweep.get("splits", target["splits"]),
                "methods": [method],
            }
            yield Trial(derived, method, overrides)
