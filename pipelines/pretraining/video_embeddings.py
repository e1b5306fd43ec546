"""Networks whose outputs are embeddings, and one embedding of every video.

Shapes: N videos, D entries of an embedding.

Local aggregation starts from instance recognition: the authors load its weights and its bank
(pvtokmakov/video_cluster at e8b6b4c, LocalAggregation/src/agents/agents.py). Here a model file is
a network and nothing else, and the bank is made by that network in one pass over the videos. All
rows then come from the same weights, they fit any other set of videos, and any other recipe can
be started from; the authors' rows are averages over the last steps instead.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from pipelines.clips.batches import build_ordered_loader
from pipelines.clips.clip_dataset import ClipDataset
from pipelines.models.heads import Classifier
from pipelines.pretraining.bank_task import EmbedVideos
from pipelines.pretraining.method import Context, build_model
from pipelines.training.clip_sources import num_workers

BATCH_VIDEOS = 32


def embedding_model(context: Context, num_entries: int) -> Classifier:
    """The network to train; its embedding layer, too, is the initial model's where that fits.

    Args:
        context: What is known.
        num_entries: D.
    """
    model = build_model(context, num_entries)
    head = None if context.initial is None else context.initial.fc
    if isinstance(head, nn.Linear) and head.weight.shape == model.fc.weight.shape:
        model.fc.load_state_dict(head.state_dict())
    return model


def embed_videos(context: Context, videos: Sequence[str]) -> EmbedVideos | None:
    """A function that embeds the middle clip of every video; None without an initial model."""
    if context.initial is None:
        return None
    source = context.source
    dataset = ClipDataset(videos, source.frames, None, context.clips, 1, None, train=False)

    @torch.inference_mode()
    def embed(model: Classifier) -> Tensor:
        model.eval()
        loader = build_ordered_loader(dataset, BATCH_VIDEOS, num_workers())
        found = [model(batch["rgb"].flatten(0, 1).to(context.device)).cpu() for batch in loader]
        return functional.normalize(torch.cat(found), dim=1)

    return embed
