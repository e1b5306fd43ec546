"""What a target will cost, from its manifests and measured speeds alone.

Conventions
- A megapixel (MP) is 10^6 px of one frame: of the source in decoding, of a stored frame in frames
  and flow, of the crop in everything that networks see.
- Every video of a split is counted, held-out ones too: they are scored as the others are trained.
- Start-up of jobs, validation between epochs and waiting for disks are not counted.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pipelines.data.manifest import ProbedVideo
from pipelines.data.video_share import videos_in_share
from pipelines.tables.plan_config import FramesConfig, PartConfig, PlanConfig, WorkConfig
from pipelines.tables.throughputs import Throughput

Measured = Mapping[tuple[str, str, str], Throughput]
Manifests = Mapping[str, Sequence[ProbedVideo]]
Row = dict[str, object]

COLUMNS = (
    "stage",
    "rows",
    "videos",
    "jobs",
    "amount",
    "unit",
    "cpu_hours",
    "gpu_hours",
    "artifact",
    "disk_gb",
    "remark",
)


class Volume(NamedTuple):
    """An amount of work for `lookups`, each (work, variant), and what it leaves on disk."""

    stage: str
    rows: str
    videos: str
    jobs: int
    amount: float
    unit: str
    lookups: tuple[tuple[str, str], ...]
    artifact: str
    kept: str
    kept_units: float
    is_on_gpu: bool


def stored_frames(video: ProbedVideo, target_fps: float | None, max_frames: int | None) -> int:
    """Frames that are kept of a video: every so many-th, up to a number."""
    step = 1 if target_fps is None else max(1, round(video.fps / target_fps))
    count = math.ceil(video.num_frames / step)
    return count if max_frames is None else min(count, max_frames)


def chosen_videos(parts: Iterable[PartConfig], manifests: Manifests) -> list[ProbedVideo]:
    """Videos of some parts."""
    found = []
    for part in parts:
        offered = list(manifests[part.dataset])
        if part.split:
            offered = [video for video in offered if video.roles.get(part.split) in part.roles]
        found += videos_in_share(offered, part.percent)
    return found


def clips_of(work: WorkConfig, config: PlanConfig, videos: Sequence[ProbedVideo]) -> int:
    """Clips that one job sees."""
    if work.kind == "train":
        steps = work.length
        if work.unit == "epochs":
            steps *= math.ceil(len(videos) / work.videos_per_step)
        return steps * work.videos_per_step * (work.clips_per_video or 1)
    if work.clips_per_video is not None:
        return len(videos) * work.clips_per_video
    span = (work.clips.num_frames - 1) * work.clips.stride + 1
    step = config.feature_step or span
    return sum(
        max(0, stored_frames(video, config.target_fps, config.max_frames) - span) // step + 1
        for video in videos
    )


def volumes(config: PlanConfig, manifests: Manifests) -> list[Volume]:
    """Every stage of the target with its amount of work."""
    return [*_extraction(config, manifests), *(_work(w, config, manifests) for w in config.works)]


def plan_rows(
    found: Iterable[Volume], measured: Measured, others: Mapping[str, int] | None = None
) -> list[Row]:
    """One line per stage, then the sums; a cell is empty where nothing was measured.

    Args:
        found: What was counted.
        measured: Speeds and sizes.
        others: Rule -> its jobs, of rules whose work is not estimated.
    """
    rows = [_row(volume, measured) for volume in found]
    for rule, jobs in (others or {}).items():
        rows.append(_empty(rule) | {"jobs": jobs, "remark": "time and disk not estimated"})
    total = _empty("total")
    total["jobs"] = sum(int(str(row["jobs"])) for row in rows)
    for name in ("cpu_hours", "gpu_hours", "disk_gb"):
        known = [float(str(row[name])) for row in rows if row[name] != ""]
        total[name] = _rounded(sum(known)) if known else ""
    total["remark"] = "; ".join(["Table 5", *_gaps(rows)])
    if others:
        total["remark"] = f"{total['remark']}; nothing of {', '.join(others)} but their jobs"
    return [*rows, total]


def _empty(stage: str) -> Row:
    row: Row = {}
    row.update(dict.fromkeys(COLUMNS, ""), stage=stage)
    return row


def _gaps(rows: Sequence[Row]) -> Iterator[str]:
    """What each sum lacks, for want of a measurement."""
    marks = {"cpu_hours": "on a CPU", "gpu_hours": "on a GPU", "disk_gb": "size of"}
    for name, mark in marks.items():
        stages = dict.fromkeys(str(row["stage"]) for row in rows if mark in str(row["remark"]))
        if stages:
            yield f"{name} without {', '.join(stages)}, which was not measured"


def _extraction(config: PlanConfig, manifests: Manifests) -> Iterator[Volume]:
    """Frames of every size, and flow."""
    for frames in config.frames:
        videos = [video for dataset in frames.datasets for video in manifests[dataset]]
        seen = sum(video.num_frames * video.height * video.width for video in videos) / 1e6
        kept = _stored_mp(frames, config, manifests)
        named = "+".join(frames.datasets)
        if len(config.frames) > 1:
            named += " at {} x {}".format(*frames.size)
        yield Volume(
            "decode_frames", "", named, _shards(frames, config), seen, "MP of source frames",
            (("decode", ""),), "frames", "frames", kept, False,
        )  # fmt: skip
    flow = _stored_mp(config.flow, config, manifests)
    yield Volume(
        "extract_flow", "", "+".join(config.flow.datasets), _shards(config.flow, config), flow,
        "MP of flow", (("flow", config.flow_source),), "flow", "flow", flow, False,
    )  # fmt: skip


def _stored_mp(frames: FramesConfig, config: PlanConfig, manifests: Manifests) -> float:
    """Megapixels of all stored frames."""
    height, width = frames.size
    counts = (
        stored_frames(video, config.target_fps, config.max_frames)
        for dataset in frames.datasets
        for video in manifests[dataset]
    )
    return sum(counts) * height * width / 1e6


def _shards(frames: FramesConfig, config: PlanConfig) -> int:
    return sum(config.num_shards[dataset] for dataset in frames.datasets)


def _work(work: WorkConfig, config: PlanConfig, manifests: Manifests) -> Volume:
    """Training or evaluation on clips."""
    clips = clips_of(work, config, chosen_videos(work.parts, manifests))
    amount = work.jobs * clips * work.clips.num_frames * work.clips.crop_px**2 / 1e6
    lookups = [(work.kind, work.backbone)]
    if work.has_teacher:
        lookups.append(("evaluate", work.backbone))
    is_training = work.kind == "train"
    is_kept = work.rule == "extract_features"
    return Volume(
        work.rule,
        " ".join(work.rows),
        "+".join(part.named() for part in work.parts),
        work.jobs * work.num_shards,
        amount,
        "MP of clips",
        tuple(lookups),
        "model" if is_training else "features" if is_kept else "predictions",
        f"model {work.backbone}" if is_training else "feature" if is_kept else "",
        work.jobs if is_training else work.jobs * clips,
        True,
    )


def _row(volume: Volume, measured: Measured) -> Row:
    """A line of the table, with the reason for every empty cell."""
    hours = {device: _hours(volume, device, measured) for device in ("cpu", "gpu")}
    work, _, variant = volume.kept.partition(" ")
    size = measured.get((work, variant, "disk"))
    remarks = []
    if hours["cpu"] is None:
        remarks.append(f"{_names(volume)} not measured on a CPU")
    if volume.is_on_gpu and hours["gpu"] is None:
        remarks.append(f"{_names(volume)} not measured on a GPU: cpu_hours are one core's")
    if volume.kept and size is None:
        remarks.append(f"size of {volume.kept} not measured")
    return {
        "stage": volume.stage,
        "rows": volume.rows,
        "videos": volume.videos,
        "jobs": volume.jobs,
        "amount": _rounded(volume.amount),
        "unit": volume.unit,
        "cpu_hours": "" if hours["cpu"] is None else _rounded(hours["cpu"]),
        "gpu_hours": "" if hours["gpu"] is None else _rounded(hours["gpu"]),
        "artifact": volume.artifact,
        "disk_gb": "" if size is None else _rounded(volume.kept_units * size.value / 1e9),
        "remark": "; ".join(remarks),
    }


def _names(volume: Volume) -> str:
    return " and ".join(" ".join(lookup).strip() for lookup in volume.lookups)


def _hours(volume: Volume, device: str, measured: Measured) -> float | None:
    """Hours of one core or one GPU; None if any part was not measured."""
    entries = [measured.get((work, variant, device)) for work, variant in volume.lookups]
    known = [entry for entry in entries if entry is not None]
    if len(known) < len(entries):
        return None
    return sum(volume.amount / entry.value for entry in known)


def _rounded(value: float) -> float:
    """Three digits: an estimate has no more."""
    return float(f"{value:.3g}")
