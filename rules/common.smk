"""Validated config, wildcard constraints, and where each artifact stands.

With `inputs/` this is the only Python logic of the rule layer. A preset's artifacts are kept
under its `home`, so presets that agree up to a stage share everything up to it.
"""

import fcntl
import functools
import gc
import hashlib
import os
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import yaml
from snakemake.persistence import PersistenceBase

ROOT = Path(workflow.basedir).parent
sys.path.insert(0, str(ROOT))

from pipelines.data.adapters import ADAPTERS
from pipelines.data.catalog import (
    annotation_digest,
    check_dataset,
    fewest_per_class,
    has_boxes,
    has_labels,
    known_listing,
    listing_digest,
    medium_of,
    split_names,
)
from pipelines.data.class_lists import read_classes
from pipelines.data.manifest import shard_name, shard_of
from pipelines.data.planned_lists import encode_list, shard_files, split_videos
from pipelines.data.shard_counts import check_shard_count
from pipelines.data.split_checks import check_roles, count_roles, split_columns
from pipelines.data.usable_videos import check_share
from pipelines.io.asked_files import explain
from pipelines.io.config import canonical
from pipelines.io.errors import ConfigError, PipelineError
from pipelines.io.failed_jobs import FailedJob, last_words
from pipelines.io.known_names import KnownNames
from pipelines.io.provenance import source_digest
from pipelines.io.presets import METHODS
from pipelines.io.schema import check_one_of
from pipelines.io.sections import Where, as_given, at_path
from pipelines.io.settings import CONTROLS, GENERATORS, load_settings
from pipelines.io.source_entries import parse_entry, parse_part, with_share
from pipelines.io.variant_store import StoredVariant, read_variants, write_variant
from pipelines.tables.cells import history_of
from pipelines.tables.changes import resolved
from pipelines.tables.definition import TARGET, read_definition

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


def stop(message):
    """End with one message; Snakemake would print an exception's traceback around it."""
    logger.error(str(message))
    raise SystemExit(1)


try:
    SETTINGS = load_settings(config, SCHEMA)
except PipelineError as error:
    stop(error)
# Names in asked paths are looked up there, too.
SETTINGS = replace(
    SETTINGS,
    presets=KnownNames("presets", SETTINGS.presets, stop),
    datasets=KnownNames("datasets", SETTINGS.datasets, stop),
    targets=KnownNames("targets", SETTINGS.targets, stop),
)

# Held until this process ends, however it ends: `make demo` unlocks a folder only when it can
# take this lock for itself.
Path(".snakemake").mkdir(exist_ok=True)
LIVE = open(".snakemake/live.lock", "a")
fcntl.flock(LIVE, fcntl.LOCK_SH)


def record_whole_jobs_only(finished):
    """Snakemake's `finished`, but for jobs that left an output missing.

    Snakemake (9.27) records what a job was told also where the job failed. Its former output is
    gone then, and what had been made of it would count as up to date: the same command, given again,
    would end well with an old table. Without a record the next run sees the change once more.
    """

    @functools.wraps(finished)
    async def finished_whole(self, job):
        if all([await output.exists() for output in job.output]):
            await finished(self, job)

    return finished_whole


# Once in a process, however often it reads this file.
if not hasattr(PersistenceBase.finished, "__wrapped__"):
    PersistenceBase.finished = record_whole_jobs_only(PersistenceBase.finished)


def tell_failed_jobs():
    """Name every job that failed, with its reason, where a run ends.

    A group's jobs share one end on a cluster, and each of them is named.
    """
    failed = []
    for job in workflow.scheduler.failed:
        for each in job.jobs if job.is_group() else [job]:
            failed.append(FailedJob(each.rule.name, dict(each.wildcards.items()), tuple(each.log)))
    if failed:
        logger.error(last_words(failed))


COMPUTE = SETTINGS.compute

# The prefix is no part of a rule's code: machine settings and the limit re-run nothing. glibc's
# defaults give freed tensors back to the system at every step and fetch them anew: training is up
# to 1.5 times faster when it keeps them.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": 32 << 20,
    "MALLOC_TRIM_THRESHOLD_": 4 << 30,
    "MALLOC_TOP_PAD_": 64 << 20,
}
# Loaders run beside the thread that computes.
NETWORK_THREADS = COMPUTE["num_threads"] + COMPUTE["num_workers"]
TRAINING_THREADS = NETWORK_THREADS * COMPUTE["num_processes"]
# Training commands alone are started so; another number of processes re-runs nothing either.
TORCHRUN = (
    ""
    if COMPUTE["num_processes"] == 1
    else (f"-m torch.distributed.run --standalone --nproc-per-node {COMPUTE['num_processes']}")
)
shell.prefix(
    "set -euo pipefail; "
    f"export PYTHONPATH={shlex.quote(str(ROOT))} OMP_WAIT_POLICY=passive"
    " PIPELINE_WORKFLOW_PID=$PPID"
    f" OMP_NUM_THREADS={COMPUTE['num_threads']} MKL_NUM_THREADS={COMPUTE['num_threads']}"
    f" PIPELINE_NUM_WORKERS={COMPUTE['num_workers']} PIPELINE_DEVICE={COMPUTE['device']}"
    f" PIPELINE_CHECKPOINT_SECONDS={COMPUTE['checkpoint_seconds']}"
    f" PIPELINE_TORCHRUN={shlex.quote(TORCHRUN)}"
    f" PIPELINE_TENSORBOARD={int(COMPUTE['tensorboard'])}"
    f" PIPELINE_SYNC_BATCH_NORM={COMPUTE['sync_batch_norm']}"
    f" PIPELINE_COMPILE_NETWORKS={COMPUTE['compile_networks']}"
    f" PIPELINE_MAX_SKIPPED_FRACTION={SETTINGS.limits['max_skipped_fraction']}"
    f" {' '.join(f'{name}={value}' for name, value in MALLOC.items())}; "
)


def growing(base):
    """A resource that a job gets more of each time it is tried again (`retries`, in a profile)."""
    return lambda wildcards, attempt: base * attempt


def frames_output(path):
    """Decoded frames, removed after their last use in a run where the disk is short."""
    return temp(path) if COMPUTE["temporary_frames"] else path


NAME = "[a-z][a-z0-9_]*"
# A trial of a sweep, or a variant that a table's row derives.
DERIVED = rf"-{NAME}-\d\d+|-[0-9a-f]{{8}}"
TABLES = {path.stem: path for path in sorted((ROOT / "workflow/tables").glob("*.yaml"))}
PAGES = (*TABLES, "table5", "leaderboard", "summary")
LABELS = rf"{NAME}\.[a-z0-9_]+"
PART = rf"{LABELS}(\.\d\d?pc)?"

# `x_idt_table1` is table idt_table1 of target x, never table1 of a target x_idt.
PREFIXES = sorted(
    {
        name.removesuffix(f"_{last}")
        for name in TABLES
        for last in (*TABLES, "table5")
        if name.endswith(f"_{last}")
    }
)
for name in SETTINGS.targets:
    if name.endswith(tuple(f"_{prefix}" for prefix in PREFIXES)):
        stop(f"targets.{name}: a name must not end in {' or '.join(PREFIXES)}; choose another")


wildcard_constraints:
    preset=rf"{NAME}({DERIVED})?",
    target="".join([NAME, *(f"(?<!_{prefix})" for prefix in PREFIXES), f"({DERIVED})?"]),
    table="|".join(TABLES),
    page="|".join(PAGES),
    sweep=NAME,
    dataset=NAME,
    shard=r"\d{4}-of-\d{4}",
    video=r"[^,\n]+",
    labels=LABELS,
    split="[a-z0-9_]+",
    modality="rgb|flow",
    seed=r"\d+",
    num_clusters=r"\d+",
    generator=rf"{LABELS}\.(rgb|flow)\.seed\d+",
    source=rf"{PART}(\+{PART})*",
    method="".join(f"(?!{control}/)" for control in CONTROLS) + NAME,
    recipe=NAME,
    row=NAME,
    other=NAME,
    protocol=NAME,
    run="(training|pretraining|evaluation)/.+",
    weights=NAME,
    role="test|validation",


# --- what rows of tables derive -------------------------------------------------------------------
VARIANTS = Path("scratch/variants")
# Derived target -> what it differs in.
ORIGINS = {}


def derive_preset(root, changes, protocol):
    """Name of a preset that differs from another in some values or in how it is judged."""
    return kept(SETTINGS.variants.name(root, changes, protocol))


def kept(name):
    """The name of a preset, which other processes can look up from now on."""
    if name in SETTINGS.variants.known:
        write_variant(VARIANTS, name, StoredVariant(*SETTINGS.variants.known[name]))
    return name


def derive_target(target, changes, protocol, source):
    """Name of a target that differs from another in its preset or its source."""
    chosen = SETTINGS.targets[target]
    preset = derive_preset(chosen["preset"], changes, protocol)
    differs = source is not None and list(source) != chosen["source"]
    if preset == chosen["preset"] and not differs:
        return target
    known = SETTINGS.variants.known
    _, changes, protocol = known[preset] if preset in known else (preset, {}, "")
    own = list(source) if differs else None
    stored = StoredVariant(chosen["preset"], changes, protocol, target, own)
    told = [preset, stored.source]
    name = f"{target}-{hashlib.sha256(canonical(told).encode()).hexdigest()[:8]}"
    write_variant(VARIANTS, name, stored)
    recall_target(name, stored)
    return name


def recall_target(name, stored):
    """Make a derived target known."""
    preset = SETTINGS.variants.name(stored.root, stored.changes, stored.protocol)
    ORIGINS[name] = stored
    more = {} if stored.source is None else {"source": stored.source}
    SETTINGS.targets[name] = {**SETTINGS.targets[stored.target], "preset": preset, **more}


def recall_variants():
    """Make known what other processes derived: a cluster job is given one output alone."""
    for name, stored in read_variants(VARIANTS).items():
        # The configuration may have changed since: what no longer fits is derived anew.
        if stored.root not in SETTINGS.presets:
            continue
        try:
            if stored.target in SETTINGS.targets:
                recall_target(name, stored)
            elif not stored.target:
                SETTINGS.variants.name(stored.root, stored.changes, stored.protocol)
        except PipelineError:
            (VARIANTS / f"{name}.json").unlink(missing_ok=True)


# --- what each stage depends on -----------------------------------------------------------------
FRAMES = ("frames",)
FLOW = (*FRAMES, "motion.flow", Where("motion.raft", "motion.flow.source", "raft"))
EDGES = (
    *FRAMES,
    "motion.edges",
    Where("motion.raft", "motion.edges.flow", "raft"),
    Where("motion.flow.tvl1", "motion.edges.flow", "tvl1"),
)
COMMON = ("clips", "validation")
GENERATOR = {
    "flow": (*FLOW, *COMMON, "backbones.motion", "training.generator"),
    "rgb": (*FRAMES, *COMMON, "backbones.appearance", "training.generator_appearance"),
}
SECTIONS = {
    "frames": FRAMES,
    "flow": FLOW,
    "edges": EDGES,
    "people": ("trajectories.max_height_px", "trajectories.people"),
    "tracks": ("trajectories",),
}
for modality, sections in GENERATOR.items():
    features = (*sections, "clustering.features")
    clusters = (*features, "clustering.units", "clustering.kmeans")
    SECTIONS[f"generator.{modality}"] = sections
    SECTIONS[f"features.{modality}"] = features
    SECTIONS[f"clusters.{modality}"] = clusters
    SECTIONS[f"self_training.{modality}"] = (
        *clusters,
        "backbones.appearance",
        "training.self_training",
    )
SECTIONS["sample"] = (
    "trajectories",
    "encoding.seed",
    "encoding.descriptors",
    "encoding.sample",
)
SECTIONS["encoder"] = (*SECTIONS["sample"], "encoding.pca", "encoding.gmm")
SECTIONS["vectors"] = (*SECTIONS["encoder"], "encoding.fisher", "encoding.sketch")
SECTIONS["vector_clusters"] = (*SECTIONS["vectors"], "clustering.vectors")
SECTIONS["distillation"] = (
    *GENERATOR["flow"],
    "backbones.appearance",
    "training.distillation",
)
SECTIONS["supervised"] = (*FRAMES, *COMMON, "backbones.appearance", "training.supervised")
READS = {"rgb": FRAMES, "flow": FLOW, "edges": EDGES}


def pretraining_sections(preset, recipe):
    """All that a pretraining recipe depends on, that of its initial weights included."""
    chosen = SETTINGS.presets[preset]["pretraining"][recipe]
    found = ["validation", "backbones.appearance", f"pretraining.{recipe}"]
    for store in chosen["reads"]:
        found += READS[store]
    if chosen.get("neighbour_score"):
        found += READS["rgb"]
    if chosen["prior"]:
        found += SECTIONS["vector_clusters"]
    if chosen["initial"]:
        found += initial_sections(preset, chosen["initial"])
    return tuple(dict.fromkeys(found))


def initial_sections(preset, name):
    """All that a recipe or published weights depend on."""
    if name in SETTINGS.presets[preset]["weights"]:
        return ("backbones.appearance", f"weights.{name}")
    return pretraining_sections(preset, name)


def initial_recipe(preset, modality):
    """Pretraining recipe or weights that a pseudo-label generator starts from, or None."""
    if modality != "rgb":
        return None
    return SETTINGS.presets[preset]["training"]["generator_appearance"].get("initial")


def sections_of(preset, stage):
    """All that a stage depends on, that of the generator's initial weights included."""
    recipe = initial_recipe(preset, stage.rpartition(".")[2])
    more = initial_sections(preset, recipe) if recipe else ()
    return tuple(dict.fromkeys((*SECTIONS[stage], *more)))


def home(preset, stage):
    """Preset under whose name the stage's artifacts are kept."""
    return kept(SETTINGS.home(preset, {stage: sections_of(preset, stage)}, stage))


def pretraining_home(preset, recipe):
    """Preset under whose name the model of a recipe or of published weights is kept."""
    return kept(SETTINGS.home(preset, {recipe: initial_sections(preset, recipe)}, recipe))


def section(preset, *paths, **more):
    """Canonical JSON of some sections of a preset, keyed by their last name."""
    chosen = {path.rsplit(".", 1)[-1]: at_path(SETTINGS.presets[preset], path) for path in paths}
    return canonical(as_given(chosen) | more)


# --- lists of files -------------------------------------------------------------------------------
def listed(paths):
    """A text file with one path per line: commands take lists of any length this way."""
    return written("".join(f"{path}\n" for path in paths), "txt")


def written(text, ending):
    """A file with this text, named by it."""
    target = Path("scratch/lists") / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.{ending}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".partial-{os.getpid()}-{target.name}")
        partial.write_text(text)
        partial.replace(target)
    return str(target)


def shards(dataset):
    """Names of a dataset's shards."""
    total = SETTINGS.datasets[dataset]["num_shards"]
    return [f"{number:04d}-of-{total:04d}" for number in range(total)]


def probed_shards(dataset):
    return [f"results/data/{dataset}/probed/shard-{shard}.parquet" for shard in shards(dataset)]


def problem_shards(dataset):
    return [f"results/data/{dataset}/problems/shard-{shard}.parquet" for shard in shards(dataset)]


def frame_shards(preset, *datasets):
    where = f"results/frames/{home(preset, 'frames')}"
    return [f"{where}/{d}/shard-{shard}.h5" for d in datasets for shard in shards(d)]


def frame_indices(preset, *datasets):
    where = f"results/frames/{home(preset, 'frames')}"
    return [f"{where}/{dataset}/index.parquet" for dataset in datasets]


def flow_shards(preset, *datasets):
    where = f"results/motion/flow/{home(preset, 'flow')}"
    return [f"{where}/{d}/shard-{shard}.h5" for d in datasets for shard in shards(d)]


def edge_shards(preset, dataset):
    where = f"results/motion/edges/{home(preset, 'edges')}/{dataset}"
    return [f"{where}/shard-{shard}.h5" for shard in shards(dataset)]


def edge_index(preset, dataset):
    return f"results/motion/edges/{home(preset, 'edges')}/{dataset}/index.parquet"


def sized(preset, clips):
    """The preset that stores the frames which a preset's clips are cut from: mostly itself.

    Args:
        preset: Name of a preset.
        clips: Dotted path of a section of clips in it.
    """
    size = at_path(SETTINGS.presets[preset], clips)["frame_size"]
    if size is None:
        return preset
    kept_by, known = home(preset, "frames"), SETTINGS.variants.known
    if "-" in kept_by and kept_by not in known:
        stop(
            f"presets.{preset}.{clips}.frame_size: found {size} beside a sweep of frames; set it to "
            "null in the sweep's overrides"
        )
    root, changes, protocol = known.get(kept_by, (kept_by, {}, ""))
    return derive_preset(root, {**changes, "frames.size": size}, protocol)


def stores(preset, datasets, modalities, clips="clips"):
    """Frame, flow or edge shards of some datasets, as named inputs, with the frame indices.

    Args:
        preset: Name of a preset.
        datasets: Names.
        modalities: Of rgb, flow and edges.
        clips: Dotted path of the section of clips that are cut from them.
    """
    of_frames = sized(preset, clips)
    found = {"index": frame_indices(of_frames, *datasets)}
    if "rgb" in modalities:
        found["frames"] = frame_shards(of_frames, *datasets)
    if "flow" in modalities:
        found["flow"] = flow_shards(preset, *datasets)
    if "edges" in modalities:
        found["edges"] = [path for dataset in datasets for path in edge_shards(preset, dataset)]
    return found


def store_options(preset, datasets, modalities, clips="clips"):
    """The command-line options that go with `stores`."""
    found = stores(preset, datasets, modalities, clips)
    return " ".join(f"--{name} {listed(paths)}" for name, paths in found.items())


# --- datasets -------------------------------------------------------------------------------------
def is_generated(dataset):
    """Whether a rule makes the dataset's videos."""
    return ADAPTERS[SETTINGS.datasets[dataset]["adapter"]].is_generated


@functools.cache
def listed_boxes(dataset):
    """Digest of the annotations of a dataset of action boxes; as `listing` it may stop."""
    stanza = SETTINGS.datasets[dataset]
    if is_generated(dataset):
        return "generated"
    try:
        check_dataset(dataset, stanza)
        return annotation_digest(dataset, stanza)
    except PipelineError as error:
        stop(error)


def without_collector(function):
    """Python's search for cycles is off meanwhile: among 240,000 videos there are none to find.

    It would take a fifth of a plan's time.
    """

    @functools.wraps(function)
    def called(*arguments):
        gc.disable()
        try:
            return function(*arguments)
        finally:
            gc.enable()

    return called


@functools.cache
@without_collector
def listing(dataset):
    """Lists of each shard's files and each split's videos; a digest of all; videos by split and role.

    Computed while the DAG is built, so that an added video re-runs its own shard only and an edited
    label none. A missing dataset stops here, before any job, with one message.
    """
    stanza = SETTINGS.datasets[dataset]
    try:
        check_shard_count(dataset, stanza["num_shards"], Path("results"))
        check_dataset(dataset, stanza)
        found = known_listing(dataset, stanza)
    except PipelineError as error:
        stop(error)
    try:
        check_share(len(found.videos), found.problems, {}, SETTINGS.limits["max_skipped_fraction"])
    except PipelineError as error:
        stop(f"datasets.{dataset}: {error}")
    root = None if is_generated(dataset) else stanza["root"]
    shards = shard_files(found.videos, root, stanza["num_shards"])
    splits = split_videos(found.videos, splits_of(dataset))
    return SimpleNamespace(
        files=[written(encode_list(files), "json") for files in shards],
        splits={name: written(encode_list(rows), "json") for name, rows in splits.items()},
        digest=listing_digest(found),
        roles=count_roles(found.videos),
    )


def splits_of(dataset):
    """Names of a dataset's splits."""
    return split_names(dataset, SETTINGS.datasets[dataset])


def unnamed_splits(dataset):
    """The end of a message on an unknown split: columns of a table that the config does not name."""
    try:
        others = set(split_columns(dataset, SETTINGS.datasets[dataset])) - set(splits_of(dataset))
    except PipelineError as error:
        stop(error)
    if not others:
        return ""
    named = ", ".join(sorted(others))
    return f"; its table has columns {named} as well, which datasets.{dataset}.splits does not name"


def manifest(dataset):
    return f"results/data/{dataset}/manifest.parquet"


def split_manifest(dataset, split):
    """The manifest of one split: an edit of another one leaves it alone."""
    return f"results/data/{dataset}/splits/{split}.parquet"


def dataset_of(labels):
    """`ucf101` of `ucf101.split1`, also where a view of it is named."""
    return shown_dataset(labels.split(".")[0])


def shown_dataset(name):
    """The dataset behind a view; a dataset is its own."""
    return SETTINGS.views[name]["dataset"] if name in SETTINGS.views else name


def split_of(labels):
    """`split1` of `ucf101.split1`."""
    return labels.split(".")[1]


def datasets_of(source):
    """Datasets of a source such as `unlabelled.all+ut_interaction.few1`, each once."""
    return list(dict.fromkeys(shown_dataset(part.name) for part in parts_in(source)))


def parts_in(source):
    """What each dataset gives to a source."""
    return [parse_part(part) for part in source.split("+")]


def source_datasets(target):
    """Datasets of a target's source."""
    return [shown_dataset(parse_entry(text).name) for text in SETTINGS.targets[target]["source"]]


@functools.cache
def excluded_classes(view):
    """Classes that a view leaves out, from config.yaml or the file named there."""
    chosen = SETTINGS.views[view]["exclude_classes"] if view in SETTINGS.views else []
    if not isinstance(chosen, str):
        return chosen
    try:
        return read_classes(Path(chosen))
    except PipelineError as error:
        stop(f"views.{view}.exclude_classes: {error}")


def source_parts(source):
    """What each dataset gives to a source: a share of a split, without classes a view leaves out."""
    return [
        {
            "split": part.split,
            "exclude_classes": excluded_classes(part.name),
            **({} if part.percent == 100 else {"percent": part.percent}),
        }
        for part in parts_in(source)
    ]


def source_of(target, split):
    """Name of a target's source for one split: which splits of which datasets."""
    parts = []
    for text in SETTINGS.targets[target]["source"]:
        entry = parse_entry(text)
        known = splits_of(shown_dataset(entry.name))
        chosen = entry.split or (split if split in known else known[0] if len(known) == 1 else "")
        if chosen not in known:
            stop(
                f"targets.{target}.source: {entry.name} has no split {chosen or split!r}; "
                f"write {entry.name}:SPLIT with one of {', '.join(known)}"
                f"{unnamed_splits(shown_dataset(entry.name))}"
            )
        parts.append(entry._replace(split=chosen).part())
    return "+".join(parts)


def generator_of(target, split, seed, modality):
    """Name of the pseudo-label generator that serves a target's split."""
    chosen = SETTINGS.targets[target]["generator"]
    dataset = chosen["dataset"]
    name = split if chosen["split"] == "same" else chosen["split"]
    known = splits_of(SETTINGS.targets[target]["dataset"])
    if split not in known:
        stop(f"targets.{target}.splits: no split {split!r}; choices: {', '.join(known)}")
    if name not in splits_of(dataset):
        stop(
            f"targets.{target}.generator.split: {dataset} has no split {name!r}; choices: "
            f"{', '.join(splits_of(dataset))}{unnamed_splits(dataset)}"
        )
    return f"{dataset}.{name}.{modality}.seed{seed}"


def parts_of(generator):
    """labels, modality and seed of a generator's name."""
    labels, modality, seed = generator.rsplit(".", 2)
    return labels, modality, int(seed.removeprefix("seed"))


recall_variants()
