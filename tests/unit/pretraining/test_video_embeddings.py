from types import SimpleNamespace

import msgspec
import pytest
import torch
from torch.nn import functional

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.frames.frame_store import FrameStore
from pipelines.models.heads import build_classifier
from pipelines.pretraining import video_embeddings
from pipelines.pretraining.video_embeddings import embed_videos, embedding_model
from tests.tiny_dataset import CLIPS, TEST, TRAIN

VIDEOS = sorted([*TRAIN, *TEST])


@pytest.fixture
def context(tiny_dataset):
    def make(initial=None):
        return SimpleNamespace(
            backbone="r2plus1d-tiny",
            recipe=SimpleNamespace(dropout=0.0),
            clips=msgspec.convert(CLIPS, ClipConfig),
            source=SimpleNamespace(frames=FrameStore([tiny_dataset.folder / "frames.h5"])),
            seed=0,
            device=torch.device("cpu"),
            initial=initial,
        )

    return make


def test_an_embedding_layer_that_fits_is_taken_over(context):
    trained = build_classifier("r2plus1d-tiny", 3, 8, 0.0, seed=5)

    found = embedding_model(context(trained), 8)

    wanted = trained.state_dict()
    assert all(torch.equal(value, wanted[key]) for key, value in found.state_dict().items())


@pytest.mark.parametrize("outputs", [0, 5])
def test_another_head_is_left_behind(context, outputs):
    trained = build_classifier("r2plus1d-tiny", 3, outputs, 0.0, seed=5)

    found = embedding_model(context(trained), 8)

    fresh = build_classifier("r2plus1d-tiny", 3, 8, 0.0, seed=0)
    assert torch.equal(found.fc.weight, fresh.fc.weight)
    wanted = trained.backbone.state_dict()
    assert all(
        torch.equal(value, wanted[key]) for key, value in found.backbone.state_dict().items()
    )


def test_every_videos_middle_clip_is_embedded(context, tiny_dataset, monkeypatch):
    monkeypatch.setattr(video_embeddings, "BATCH_VIDEOS", 4)
    trained = build_classifier("r2plus1d-tiny", 3, 8, 0.0, seed=5)
    store = FrameStore([tiny_dataset.folder / "frames.h5"])
    views = ViewDataset(VIDEOS, store, None, msgspec.convert(CLIPS, ClipConfig), num_clips=1)

    found = embed_videos(context(trained), VIDEOS)(trained)

    trained.eval()
    with torch.inference_mode():
        outputs = torch.cat([trained(views[row]["rgb"]) for row in range(len(VIDEOS))])
    assert found.shape == (6, 8)
    assert torch.allclose(found, functional.normalize(outputs, dim=1), atol=1e-5)


def test_random_weights_embed_nothing(context):
    assert embed_videos(context(), VIDEOS) is None
