"""Validated config, settings of the machine, and wildcard constraints.

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
