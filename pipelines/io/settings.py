"""config.yaml: closed validation, presets with bases, sweeps as derived targets.

Everything here works on plain dictionaries as YAML gives them and never changes its inputs:
derived values get their own place in the returned `Settings`.
"""

import copy
import difflib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema

from pipelines.io.config import canonical
from pipelines.io.errors import ConfigError

Section = dict[str, Any]

METHODS = ("random", "appearance", "mers", "mars", "supervised", "motionfit")
SMOKE_PRESET = "smoke"
MAX_REPORTED = 5


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
        presets: Name -> complete preset, every row's recipe written out.
        bases: Preset name -> the name of its base, if it has one.
        trials: Sweep name -> its trials.
        limits: The `limits` section.
        compute: The `compute` section.
    """

    targets: dict[str, Section]
    datasets: dict[str, Section]
    presets: dict[str, Section]
    bases: dict[str, str]
    trials: dict[str, list[Trial]]
    limits: Section
    compute: Section

    def home(self, preset: str, sections: Mapping[str, tuple[str, ...]], stage: str) -> str:
        """The preset under whose name a stage's artifacts are kept.

        Presets that agree in everything that a stage depends on share its artifacts: the
        farthest base with equal sections is their home, else the first equal trial of the sweep.

        Args:
            preset: Name of a preset.
            sections: Stage -> dotted paths of all sections that it depends on.
            stage: Name of the stage.
        """
        wanted = _pick(self.presets[preset], sections[stage])
        candidates = (*reversed(self._bases_of(preset)), *self._siblings_of(preset), preset)
        return next(
            name for name in candidates if _pick(self.presets[name], sections[stage]) == wanted
        )

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
    _check(config, _without_required_in_presets(schema), "")
    full = _with_defaults(config, schema, schema)
    presets = {name: _resolve(full["presets"], name) for name in full["presets"]}
    _check_presets(presets, schema)
    settings = Settings(
        targets=copy.deepcopy(full["targets"]),
        datasets=full["datasets"],
        presets=presets,
        bases={name: raw["base"] for name, raw in full["presets"].items() if "base" in raw},
        trials={},
        limits=full["limits"],
        compute=full["compute"],
    )
    for name, target in settings.targets.items():
        _check_target(name, target, settings)
    for name, sweep in full["sweeps"].items():
        settings.trials[name] = list(_expand(name, sweep, settings))
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


def _pick(preset: Section, paths: tuple[str, ...]) -> str:
    return canonical([at_path(preset, path) for path in paths])


def _resolve(raw: Mapping[str, Section], name: str, trail: tuple[str, ...] = ()) -> Section:
    if name in trail:
        raise ConfigError(f"presets.{trail[0]}: bases form a circle {' -> '.join((*trail, name))}")
    if name not in raw:
        where = f"presets.{trail[-1]}.base" if trail else "preset"
        raise ConfigError(f"{where}: no preset {name!r}; choices: {', '.join(raw)}")
    own = {key: value for key, value in raw[name].items() if key != "base"}
    if "base" not in raw[name]:
        return _written_out(own)
    inherited = _unwritten(raw, raw[name]["base"], (*trail, name))
    return _written_out(merged(inherited, own))


def _unwritten(raw: Mapping[str, Section], name: str, trail: tuple[str, ...]) -> Section:
    """A base's own text, before its rows are written out, so that overrides merge as text."""
    _resolve(raw, name, trail)
    own = {key: value for key, value in raw[name].items() if key != "base"}
    if "base" not in raw[name]:
        return own
    return merged(_unwritten(raw, raw[name]["base"], (*trail, name)), own)


def _written_out(preset: Section) -> Section:
    """Give every row its complete recipe: the common one with the row's differences."""
    result = copy.deepcopy(preset)
    training = result.get("training", {})
    if "generator" in training:
        training["generator_appearance"] = merged(
            training["generator"], training.get("generator_appearance", {})
        )
    evaluation = result.get("evaluation", {})
    if "finetuning" in evaluation:
        rows = evaluation.get("methods", {})
        evaluation["methods"] = {
            method: merged(evaluation["finetuning"], rows.get(method, {})) for method in METHODS
        }
    return result


def _check_presets(presets: Mapping[str, Section], schema: Section) -> None:
    for name, preset in presets.items():
        _check(preset, {**schema["$defs"]["preset"], "$defs": schema["$defs"]}, f"presets.{name}")
        mars = preset["evaluation"]["methods"]["mars"]
        if "distillation_weight" not in mars:
            raise ConfigError(
                f"presets.{name}.evaluation.methods.mars: distillation_weight is missing; "
                "MARS uses 50.0"
            )
        smaller = min(preset["frames"]["size"])
        if preset["clips"]["crop_px"] > smaller:
            raise ConfigError(
                f"presets.{name}.clips.crop_px: expected at most the frames' smaller side "
                f"{smaller}, found {preset['clips']['crop_px']}"
            )


def _check_target(name: str, target: Section, settings: Settings) -> None:
    _one_of(f"targets.{name}.preset", target["preset"], settings.presets)
    _one_of(f"targets.{name}.dataset", target["dataset"], settings.datasets)
    for entry in target["source"]:
        _one_of(f"targets.{name}.source", entry.split(":")[0], settings.datasets)
    generator = target.setdefault("generator", {"dataset": target["dataset"], "split": "same"})
    _one_of(f"targets.{name}.generator.dataset", generator["dataset"], settings.datasets)


def _one_of(key: str, value: str, choices: Mapping[str, Any]) -> None:
    if value not in choices:
        raise ConfigError(f"{key}: found {value!r}; choices: {', '.join(choices)}{_near(value, choices)}")


def _near(value: str, choices: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(value, list(choices), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _expand(name: str, sweep: Section, settings: Settings) -> Iterator[Trial]:
    """Add one derived preset and one derived target per trial."""
    _one_of(f"sweeps.{name}.target", sweep["target"], settings.targets)
    target = settings.targets[sweep["target"]]
    common = f"{name}-base-00"
    settings.presets[common] = _overridden(
        settings.presets[target["preset"]], sweep["overrides"], common
    )
    settings.bases[common] = target["preset"]
    for method, grid in sweep["grids"].items():
        for number, values in enumerate(itertools.product(*grid.values())):
            overrides = dict(zip(grid, values, strict=True))
            derived = f"{name}-{method}-{number:02d}"
            settings.presets[derived] = _overridden(settings.presets[common], overrides, derived)
            settings.bases[derived] = common
            settings.targets[derived] = {
                **target,
                "preset": derived,
                "seeds": sweep.get("seeds", target["seeds"]),
                "splits": sweep.get("splits", target["splits"]),
                "methods": [method],
            }
            yield Trial(derived, method, overrides)


def _overridden(preset: Section, overrides: Section, name: str) -> Section:
    result = copy.deepcopy(preset)
    for path, value in overrides.items():
        *parents, last = path.split(".")
        try:
            section = at_path(result, ".".join(parents)) if parents else result
            known = last in section
        except (KeyError, TypeError):
            known = False
        if not known:
            raise ConfigError(f"sweeps: trial {name} sets {path}, which no preset has")
        section[last] = value
    return result


def _check(instance: Any, schema: Section, prefix: str) -> None:  # noqa: ANN401 - any JSON value
    found = jsonschema.Draft202012Validator(schema).iter_errors(instance)
    messages = [_readable(error, prefix) for error in itertools.islice(found, MAX_REPORTED)]
    if messages:
        raise ConfigError("config: " + "\n        ".join(messages))


def _readable(error: jsonschema.ValidationError, prefix: str) -> str:
    place = ".".join([prefix, *map(str, error.absolute_path)]).strip(".") or "top level"
    rule, wanted, value = error.validator, error.validator_value, error.instance
    if rule == "additionalProperties" and isinstance(value, dict):
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        unknown = [key for key in value if key not in known]
        hints = "".join(_near(key, known) for key in unknown)
        return f"{place}: unknown key {', '.join(map(repr, unknown))}{hints}; choices: {', '.join(known)}"
    if rule == "required":
        return f"{place}: {error.message}; needed keys: {', '.join(wanted)}"
    if rule == "enum":
        return f"{place}: found {value!r}; choices: {', '.join(map(repr, wanted))}"
    if rule == "type":
        return f"{place}: expected {_words(wanted)}, found {_described(value)}"
    return f"{place}: {error.message}"


def _words(wanted: Any) -> str:  # noqa: ANN401 - a JSON schema type or list of types
    names = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join("a whole number" if name == "integer" else f"{name}" for name in names)


def _described(value: Any) -> str:  # noqa: ANN401 - any JSON value
    if not isinstance(value, str):
        return repr(value)
    try:
        number = float(value)
    except ValueError:
        return f"the text {value!r}"
    return f"the text {value!r} (YAML reads this as text: write {number!r})"


def _without_required_in_presets(schema: Section) -> Section:
    """The schema as it applies to what users write: presets may be partial."""
    loose = copy.deepcopy(schema)
    keep = {"target", "dataset", "sweep"}
    for name, definition in loose["$defs"].items():
        if name not in keep:
            _drop_required(definition)
    return loose


def _drop_required(node: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(node, dict):
        node.pop("required", None) if isinstance(node.get("required"), list) else None
        for value in node.values():
            _drop_required(value)


def _with_defaults(instance: Any, schema: Section, root: Section) -> Any:  # noqa: ANN401
    """A copy of `instance` with the schema's defaults filled in."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if not isinstance(instance, dict):
        return copy.deepcopy(instance)
    result = dict(instance)
    for key, sub in schema.get("properties", {}).items():
        if key not in result and "default" in sub:
            result[key] = copy.deepcopy(sub["default"])
        if key in result:
            result[key] = _with_defaults(result[key], sub, root)
    extra = schema.get("additionalProperties")
    if isinstance(extra, dict):
        for key in set(result) - set(schema.get("properties", {})):
            result[key] = _with_defaults(result[key], extra, root)
    return result
