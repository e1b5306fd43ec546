"""What the methods with a memory bank are told, and the training that comes of it."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from pipelines.clips.clip_colours import ClipColours
from pipelines.clips.colour import ColourConfig
from pipelines.io.errors import ConfigError
from pipelines.models.memory_bank import MemoryBank
from pipelines.pretraining.bank_task import BankTask
from pipelines.pretraining.method import Context, Pretraining
from pipelines.training.clip_sources import training_batches

Positive = Annotated[int, msgspec.Meta(ge=1)]


class BankOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of every method with a bank.

    Attributes:
        embedding_size: Entries of an embedding.
        temperature: tau.
        bank_momentum: Share of the old row in an updated one.
        colour: How far colours are moved, or None.
    """

    embedding_size: Positive
    temperature: Annotated[float, msgspec.Meta(gt=0)]
    bank_momentum: Annotated[float, msgspec.Meta(ge=0, lt=1)]
    colour: ColourConfig | None

    def bank(self, videos: Sequence[str], seed: int) -> MemoryBank:
        """A bank of those videos with random rows."""
        return MemoryBank(videos, self.embedding_size, self.bank_momentum, seed)

    def colours(self, context: Context) -> ClipColours | None:
        """The jitter of the recipe's clips."""
        if self.colour is None:
            return None
        return ClipColours(self.colour, context.clips.rgb_mean, context.clips.rgb_std)


def all_videos(context: Context) -> list[str]:
    """Every video, sorted: those that others hold out as well, as no score needs them.

    Raises:
        ConfigError: If a checkpoint is to be chosen by such a score.
    """
    if context.recipe.checkpoint == "best":
        raise ConfigError(
            "checkpoint is best, but held-out videos have no row in the memory bank and all "
            "videos are trained on; set it to last"
        )
    return sorted([*context.videos, *context.held])


def check_at_most(option: str, value: int, num_videos: int, reserved: int = 0) -> None:
    """Refuse an option that counts videos and exceeds their number.

    Args:
        option: Its name.
        value: What it asks for.
        num_videos: Videos to train on.
        reserved: Of these, how many the option cannot take.

    Raises:
        ConfigError: Saying what fits.
    """
    if value > num_videos - reserved:
        raise ConfigError(
            f"options.{option} is {value}, but the source has {num_videos} videos to train on; "
            f"set it to at most {num_videos - reserved}, or add source videos"
        )


def bank_training(
    context: Context, task: BankTask, videos: list[str], options: BankOptions
) -> Pretraining:
    """The training of a task on random clips of its bank's videos."""
    recipe = context.recipe
    # Clips in the network's own layout save its first layer two copies; jitter wants planes.
    is_channels_last = options.colour is None and task.model.backbone.is_channels_last
    batches = training_batches(
        context.source,
        videos,
        context.clips,
        None,
        recipe.clips_per_video,
        recipe.videos_per_batch,
        context.seed,
        is_channels_last=is_channels_last,
    )
    return Pretraining(
        videos=videos,
        task=task.to(context.device),
        batches=batches,
        validate=None,
        num_outputs=options.embedding_size,
    )
