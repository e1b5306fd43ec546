"""Command: classify held-out videos by their trajectories' vectors, with a linear SVM.

The papers' row "IDT": no network is trained. The encoder was fitted to the source's videos;
rule encode_fisher applies it to all videos of the target, those of the test among them.
"""

import argparse
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipelines.data.label_subset import LabelsConfig
from pipelines.encoding.vector_store import (
    read_all_vectors,
    read_fisher_vectors,
    read_vectors,
)
from pipelines.evaluation.metrics import top1_percent
from pipelines.evaluation.prediction_store import Prediction, write_predictions
from pipelines.evaluation.scored_videos import scored_videos
from pipelines.evaluation.vector_classifier import VectorClassifier, as_probabilities
from pipelines.io.atomic import atomic_path
from pipelines.io.command import run
from pipelines.io.config import decode_config
from pipelines.io.errors import DatasetError
from pipelines.io.lists import read_paths
from pipelines.io.provenance import stamp
from pipelines.training.clip_sources import (
    LabelledVideos,
    open_clip_source,
    read_labelled_videos,
)
from pipelines.training.recipe import ValidationConfig

MODULE = "pipelines.evaluation.classify_vectors"

FloatArray = NDArray[np.float32]

log = logging.getLogger(__name__)


class SvmConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `evaluation.svm` of a preset.

    Attributes:
        cost: C.
        vectors: "sketched", or "fisher" for those before the sketch.
    """

    cost: Annotated[float, msgspec.Meta(gt=0)]
    vectors: Literal["sketched", "fisher"]


class ClassifyVectorsConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `--config` of this command."""

    validation: ValidationConfig
    labels: LabelsConfig
    svm: SvmConfig


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", required=True, help="JSON text of ClassifyVectorsConfig")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--split", required=True)
    parser.add_argument("--role", choices=["test", "validation"], required=True)
    parser.add_argument("--index", type=Path, required=True, help="list of frame indices")
    parser.add_argument("--vectors-list", type=Path, required=True, help="list of vector shards")
    parser.add_argument("--seed", type=int, required=True, help="of the validation hold-out")
    parser.add_argument("--out", type=Path, required=True, help="predictions, parquet")
    return parser


def main(args: argparse.Namespace) -> None:
    """Fit to the split's training videos, predict every video of the role.

    Videos are those that the networks of the other rows see. A training video without a vector is
    left out; a held-out one gets the vector of no motion, zero, so that rows stay comparable.
    """
    config = decode_config(args.config, ClassifyVectorsConfig)
    source = open_clip_source(args.index, None, None)
    videos = read_labelled_videos(
        args.manifest, args.split, source, config.validation.fraction, args.seed, config.labels
    )
    shards = read_paths(args.vectors_list)
    vectors = _read(shards, config.svm.vectors)
    chosen = scored_videos(videos, args.role, args.manifest, args.split)
    train = _known(videos.train, vectors, "left out of training")
    _known(chosen, vectors, "predicted as videos without motion")
    model = VectorClassifier(
        np.stack([vectors[key] for key in train]),
        [videos.label[key] for key in train],
        len(videos.classes),
        config.svm.cost,
        args.seed,
    )
    nothing = np.zeros_like(vectors[train[0]])
    margins = model.margins(np.stack([vectors.get(key, nothing) for key in chosen]))
    predictions = _predictions(chosen, margins, videos)
    top1 = top1_percent([row.predicted for row in predictions], [row.label for row in predictions])
    log.info("top-1 %.2f %% on %d %s videos", top1, len(predictions), args.role)
    with atomic_path(args.out) as partial:
        inputs = [args.manifest, *source.paths, *shards]
        identity = stamp(MODULE, args.config, inputs, args.seed)
        write_predictions(partial, predictions, identity, videos.classes)


def _read(shards: Sequence[Path], kind: str) -> dict[str, FloatArray]:
    """Vectors by video id, of one kind and from one encoder."""
    joined = read_all_vectors(shards)
    if kind == "sketched":
        return dict(zip(joined.video_ids, joined.vectors, strict=True))
    return {
        key: vector
        for path in shards
        for key, vector in zip(read_vectors(path).video_ids, read_fisher_vectors(path), strict=True)
    }


def _known(chosen: Sequence[str], vectors: Mapping[str, FloatArray], consequence: str) -> list[str]:
    """Videos that have a vector; the others are named.

    Raises:
        DatasetError: If none has one.
    """
    known = [key for key in chosen if key in vectors]
    missing = [key for key in chosen if key not in vectors]
    if not known:
        raise DatasetError(
            f"none of {len(chosen)} videos has a vector; expected vectors of the target's dataset"
        )
    if missing:
        log.warning(
            "%d of %d videos have no vector and are %s: %s",
            len(missing),
            len(chosen),
            consequence,
            ", ".join(missing),
        )
    return known


def _predictions(
    chosen: Sequence[str], margins: NDArray[np.float64], videos: LabelledVideos
) -> list[Prediction]:
    probabilities = as_probabilities(margins)
    return [
        Prediction(
            key,
            videos.classes[videos.label[key]],
            videos.classes[int(margins[row].argmax())],
            probabilities[row].tolist(),
        )
        for row, key in enumerate(chosen)
    ]


if __name__ == "__main__":
    run(main, build_parser())
