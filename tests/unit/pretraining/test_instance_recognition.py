import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from pipelines.models.memory_bank import MemoryBank
from pipelines.objectives.instance_recognition import FORMS
from pipelines.pretraining.instance_recognition import InstanceRecognition

VIDEOS = tuple("abcdefgh")
BATCH = {
    "rgb": torch.randn(3, 2, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0)),
    "index": torch.tensor([4, 0, 7]),
    "seed": torch.tensor([11, 12, 13]),
}


def task(form="softmax", num_negatives=5):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Flatten(), nn.Linear(96, 6))
    return InstanceRecognition(model, MemoryBank(VIDEOS, 6, 0.5, 0), form, 0.07, num_negatives)


@pytest.mark.parametrize("form", FORMS)
def test_the_loss_is_that_of_each_clip_and_its_own_negatives(form):
    learner = task(form)
    loss_of, draw = FORMS[form]

    found = learner(BATCH)

    losses, rows = [], learner.bank.rows
    for video, clip in itertools.product(range(3), range(2)):
        index, seed = BATCH["index"][video : video + 1], BATCH["seed"][video : video + 1] + clip
        output = learner.model(BATCH["rgb"][video, clip : clip + 1])
        embedding = functional.normalize(output, dim=1)[0]
        others = [embedding @ rows[row] for row in draw(seed, index, 8, 5)[0].tolist()]
        positive = embedding @ rows[int(index)]
        losses.append(loss_of(positive[None], torch.stack(others)[None], 0.07, 8))
    assert float(found["loss"].detach()) == pytest.approx(
        float(torch.stack(losses).mean().detach()), 1e-5
    )
    assert {"own_similarity", "spread"} <= set(found)


def test_gradient_reaches_the_network_and_not_the_bank():
    learner = task()

    learner(BATCH)["loss"].backward()

    assert learner.model[1].weight.grad.abs().max() > 0
    assert learner.bank.rows.grad is None


def test_training_brings_videos_to_their_rows():
    learner = task(num_negatives=7)
    values = []
    for _ in range(60):
        found = learner(BATCH)
        learner.zero_grad()
        found["loss"].backward()
        with torch.no_grad():
            for parameter in learner.parameters():
                parameter -= 0.02 * parameter.grad
        learner.after_step()
        values.append((float(found["loss"].detach()), float(found["own_similarity"])))

    assert values[-1][0] < 0.2 * values[0][0]
    assert values[-1][1] > values[0][1] + 0.5
