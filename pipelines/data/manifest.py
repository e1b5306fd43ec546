"""The records of a dataset: videos, probed videos, problems; how they are kept in Parquet.

Conventions
-----------
- A *video id* is the dataset's name and the video's path or official name without extension, with
  `/` between parts. It is unique across datasets and never changes when other videos come or go.
- A *role* is what a video is for in one named split: "train", "test" or "unlabelled". A split
  that a video does not name does not use it.
- A *shard* is a number below the dataset's fixed `num_shards`; it depends on the id alone.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa

from pipelines.io.parquet import read_table, write_table

ROLES = ("train", "test", "unlabelled")

PROBLEM_KINDS = (
    "missing",
    "unreadable",
    "truncated",
    "empty",
    "one-frame",
    "short",
    "small",
    "no-tracks",
    "not-finite",
    "duplicate",
    "mislabelled",
    "unlisted",
)
# These take nothing from the dataset that was meant to be used, so they never fail a stage.
HARMLESS_KINDS = ("duplicate", "unlisted")

# Encoded rather than replaced, so that two file names never become one id. A comma or a line
# break in an id would break lists and tables of ids.
_ENCODED_CHARACTERS = str.maketrans({"%": "%25", ",": "%2C", "\n": "%0A", "\r": "%0D", "\t": "%09"})

_ROLES_TYPE = pa.map_(pa.string(), pa.string())

VIDEO_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("path", pa.string()),
        ("label", pa.string()),
        ("group", pa.string()),
        ("roles", _ROLES_TYPE),
    ]
)
_FACTS = [
    ("shard", pa.int32()),
    ("duration_seconds", pa.float64()),
    ("fps", pa.float64()),
    ("height", pa.int32()),
    ("width", pa.int32()),
    ("num_frames", pa.int64()),
    ("size_bytes", pa.int64()),
    ("checksum", pa.string()),
]
PROBED_SCHEMA = pa.schema([("video_id", pa.string()), ("path", pa.string()), *_FACTS])
MANIFEST_SCHEMA = pa.schema([*VIDEO_SCHEMA, *_FACTS])
PROBLEMS_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("stage", pa.string()),
        ("kind", pa.string()),
        ("detail", pa.string()),
    ]
)


@dataclass(frozen=True)
class Video:
    """One video of a dataset as its annotations describe it.

    Attributes:
        video_id: See the module's conventions.
        path: File, relative to the dataset's root or absolute.
        label: Class name; None if not known.
        group: Videos of one group are recordings of one scene or source and must not be
            divided between training and validation; None if not known.
        roles: Split name -> role.
    """

    video_id: str
    path: str
    label: str | None
    group: str | None
    roles: Mapping[str, str]


@dataclass(frozen=True)
class ProbedFile:
    """A video's file that was opened and read; whatever annotations say of it is left out.

    Attributes:
        video_id: See the module's conventions.
        path: File, relative to the dataset's root or absolute.
        shard: The video's shard.
        duration_seconds: Frames divided by frame rate.
        fps: Frames per second of the file.
        height: Pixels.
        width: Pixels.
        num_frames: As the container declares or, where it does not, as its packets count.
        size_bytes: Size of the file.
        checksum: SHA-256 of the file, 64 hexadecimal digits.
    """

    video_id: str
    path: str
    shard: int
    duration_seconds: float
    fps: float
    height: int
    width: int
    num_frames: int
    size_bytes: int
    checksum: str


@dataclass(frozen=True)
class ProbedVideo(ProbedFile, Video):
    """A video of the manifest: what annotations say of it, and what its file does."""


@dataclass(frozen=True)
class Problem:
    """One video that is skipped or remarkable.

    Attributes:
        video_id: Its id, or the id that its file would have.
        stage: Command that noticed.
        kind: One of `PROBLEM_KINDS`.
        detail: What was expected and found.
    """

    video_id: str
    stage: str
    kind: str
    detail: str

    @property
    def is_harmful(self) -> bool:
        """Whether it takes a video away that the annotations meant to be used."""
        return self.kind not in HARMLESS_KINDS


def video_id_of(path: str) -> str:
    """The id of a file: its path without extension.

    Args:
        path: Relative or absolute, with `/` between parts.
    """
    plain = path.lstrip("/")
    *folders, name = plain.split("/")
    if "" in folders or "." in folders or name in ("", "."):
        plain = str(PurePosixPath(plain))
        name = plain.rpartition("/")[2]
    # As PurePath.with_suffix(""), which takes ten times longer: there are 240,000 paths.
    dot = name.rfind(".")
    if 0 < dot < len(name) - 1:
        plain = plain[: dot - len(name)]
    return plain.translate(_ENCODED_CHARACTERS)


def shard_of(video_id: str, num_shards: int) -> int:
    """The shard of a video: the id's SHA-256, first 8 bytes big-endian, modulo `num_shards`.

    Raises:
        ValueError: If `num_shards` is not positive.
    """
    if num_shards < 1:
        raise ValueError(f"num_shards: expected at least 1, found {num_shards}")
    digest = hashlib.sha256(video_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") % num_shards


def shard_name(shard: int, num_shards: int) -> str:
    """A shard's file name without extension, `shard-0007-of-0064`."""
    return f"shard-{shard:04d}-of-{num_shards:04d}"


def write_probed(path: Path, files: Iterable[ProbedFile], stamp: Mapping[str, str]) -> None:
    """Write a probed shard; equal files and stamp give equal bytes."""
    rows = [{name: getattr(file, name) for name in PROBED_SCHEMA.names} for file in files]
    frame = pd.DataFrame(rows, columns=PROBED_SCHEMA.names)
    write_table(path, frame, PROBED_SCHEMA, stamp)


def read_probed(path: Path) -> list[ProbedFile]:
    """Read what `write_probed` wrote.

    Raises:
        ContractError: If the file is missing, damaged or has other columns.
    """
    frame = read_table(path, PROBED_SCHEMA, "probe_videos")
    return [ProbedFile(**row) for row in _without_nan(frame)]


def write_manifest(path: Path, videos: Iterable[ProbedVideo], stamp: Mapping[str, str]) -> None:
    """Write the videos of a dataset; equal videos and stamp give equal bytes."""
    rows = [{name: getattr(video, name) for name in MANIFEST_SCHEMA.names} for video in videos]
    for row in rows:
        row["roles"] = sorted(row["roles"].items())
    frame = pd.DataFrame(rows, columns=MANIFEST_SCHEMA.names)
    write_table(path, frame, MANIFEST_SCHEMA, stamp)


def read_manifest(path: Path, rule: str = "build_manifest") -> list[ProbedVideo]:
    """Read what `write_manifest` wrote.

    Args:
        path: The manifest of a dataset or of one split.
        rule: Rule that makes it, named in errors.

    Raises:
        ContractError: If the file is missing, damaged or has other columns.
    """
    rows = _without_nan(read_table(path, MANIFEST_SCHEMA, rule))
    return [ProbedVideo(**row | {"roles": dict(row["roles"])}) for row in rows]


def write_problems(path: Path, problems: Iterable[Problem], stamp: Mapping[str, str]) -> None:
    """Write problems, sorted by id, stage and kind.

    Raises:
        ValueError: If a kind is unknown.
    """
    rows = [asdict(problem) for problem in problems]
    for row in rows:
        if row["kind"] not in PROBLEM_KINDS:
            raise ValueError(f"problem kind {row['kind']!r}; choices: {', '.join(PROBLEM_KINDS)}")
    frame = pd.DataFrame(rows, columns=PROBLEMS_SCHEMA.names)
    write_table(path, frame.sort_values(["video_id", "stage", "kind"]), PROBLEMS_SCHEMA, stamp)


def read_problems(path: Path, rule: str) -> list[Problem]:
    """Read what `write_problems` wrote.

    Raises:
        ContractError: If the file is missing, damaged or has other columns.
    """
    frame = read_table(path, PROBLEMS_SCHEMA, rule)
    return [Problem(**row) for row in _without_nan(frame)]


def _without_nan(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with None where the table has no text; pandas reads that as NaN."""
    texts = frame.select_dtypes(include=["str", "object"]).columns.difference(["roles"])
    frame = frame.astype(dict.fromkeys(texts, object))
    for name in texts:
        frame[name] = frame[name].where(frame[name].notna(), None)
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
