"""Command: learn to tell every video from all others (Video IR, paper 003, section 3.1).

After Wu et al., "Unsupervised Feature Learning via Non-Parametric Instance Discrimination",
CVPR 2018.
"""

import argparse
from typing import Literal

from pipelines.io.command import run
from pipelines.io.options import pretraining_options, pretraining_parser
from pipelines.pretraining.bank_method import (
    BankOptions,
    Positive,
    all_videos,
    bank_training,
    check_at_most,
)
from pipelines.pretraining.instance_recognition import InstanceRecognition
from pipelines.pretraining.method import Context, Pretraining, pretrain
from pipelines.pretraining.video_embeddings import embed_videos, embedding_model

MODULE = "pipelines.pretraining.pretrain_instance_recognition"


class Options(BankOptions, frozen=True, forbid_unknown_fields=True):
    """Options of the objective.

    Attributes:
        form: A key of `pipelines.objectives.instance_recognition.FORMS`.
        num_negatives: Sampled rows per clip.
    """

    form: Literal["softmax", "nce"]
    num_negatives: Positive


def build_parser() -> argparse.ArgumentParser:
    """Options of the command."""
    return pretraining_parser(__doc__)


def build(context: Context, options: Options) -> Pretraining:
    """A bank of all videos and a network that recognises each by its row.

    Raises:
        ConfigError: If there are fewer videos than the negatives need, or a checkpoint is to be
            chosen by a score.
    """
    videos = all_videos(context)
    if options.form == "softmax":
        check_at_most("num_negatives", options.num_negatives, len(videos), reserved=1)
    task = InstanceRecognition(
        embedding_model(context, options.embedding_size),
        options.bank(videos, context.seed),
        options.form,
        options.temperature,
        options.num_negatives,
        options.colours(context),
        embed_videos(context, videos),
    )
    return bank_training(context, task, videos, options)


def main(args: argparse.Namespace) -> None:
    """Train on the source's videos."""
    pretrain(MODULE, pretraining_options(args), Options, build)


if __name__ == "__main__":
    run(main, build_parser())
