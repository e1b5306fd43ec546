import math

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW

from pipelines.models.heads import build_classifier
from pipelines.training.checkpoint import CheckpointFolder
from pipelines.training.engine import Run, mean_score, train
from pipelines.training.gradient_step import Stepping
from pipelines.training.non_finite import NonFiniteLossError
from pipelines.training.schedule import Schedule
from pipelines.training.tasks import Classification, Task

CPU = torch.device("cpu")
IDENTITY = dict.fromkeys(("module", "code", "config", "seed"), "x")
NUM_STEPS = 7
COSINE = Schedule(NUM_STEPS, 2, (), 0.1, True, 3)
PLATEAU = Schedule(NUM_STEPS, 0, (), 0.1, False, 1, patience=0)
SINGLE = Stepping()
OPTIMIZERS = {
    "sgd": lambda parameters: SGD(parameters, lr=1.0, momentum=0.9, weight_decay=0.01),
    "adam": lambda parameters: Adam(parameters, lr=1.0),
    "adamw": lambda parameters: AdamW(parameters, lr=1.0),
}


class KilledError(Exception):
    """Stands for kill -9."""


class Guess(Task):
    """A small network with everything that has state: batch norm, dropout, two layers."""

    def __init__(self):
        super().__init__()
        layers = (nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
        self.model = nn.Sequential(*layers)

    def forward(self, batch):
        logits = self.model(batch["x"])
        top1 = (logits.argmax(-1) == batch["label"]).float().mean()
        return {"loss": functional.cross_entropy(logits, batch["label"]), "top1": top1}

    def score(self, batch):
        logits = self.model(batch["x"].flatten(0, -2))
        return (logits.argmax(-1) == batch["label"].flatten()).float()


class Descent(Task):
    """Loss = weight + offset of the batch: the gradient is 1, each step takes the rate off."""

    def __init__(self):
        super().__init__()
        self.model = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.model.weight, 5.0)

    def forward(self, batch):
        return {"loss": self.model.weight.sum() + batch["offset"]}


def batch_of(step):
    generator = torch.Generator().manual_seed(step)
    x = torch.randn(6, 3, generator=generator)
    return {"x": x, "label": (x[:, 0] > 0).long(), "video_id": [f"v{step}", f"w{step}"]}


def batches(first_step, num_steps):
    return (batch_of(step) for step in range(first_step, num_steps))


def killed_before(last_step):
    def until(first_step, num_steps):
        for step in range(first_step, num_steps):
            if step == last_step:
                raise KilledError
            yield batch_of(step)

    return until


def validate(task):
    video = {"x": batch_of(100)["x"], "label": batch_of(100)["label"], "video_id": "v"}
    return mean_score(task, [video], CPU)


def guess_run(optimizer="sgd", keep="best", stepping=SINGLE, schedule=COSINE):
    torch.manual_seed(0)
    task = Guess()
    return Run(task, OPTIMIZERS[optimizer](task.parameters()), 0.05, schedule, keep, stepping)


def descent_run(keep="best", drops=(), num_steps=5):
    task = Descent()
    schedule = Schedule(num_steps, 0, drops, 0.1, False, 2)
    return Run(task, SGD(task.parameters(), lr=1.0), 0.5, schedule, keep)


def offsets(*values):
    return lambda first, last: [
        {"offset": torch.tensor(float(value)), "video_id": ["a"]} for value in values[first:last]
    ]


@pytest.fixture
def checkpoints(tmp_path):
    return CheckpointFolder(tmp_path, IDENTITY, [])


def run_through(run, folder, source=batches, score=validate, seconds=0.0):
    train(run, source, score, folder, seconds, CPU, "test")
    return run


def assert_equal_state(found, expected):
    """Compare nested states bit for bit; -inf and text included."""
    assert type(found) is type(expected)
    if isinstance(expected, torch.Tensor):
        assert torch.equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_equal_state(found[key], value)
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_equal_state(one, other)
    else:
        assert found == expected


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("last_step", range(NUM_STEPS))
def test_a_killed_and_resumed_run_ends_bit_identical(tmp_path, optimizer, last_step):
    whole = run_through(guess_run(optimizer), CheckpointFolder(tmp_path / "a", IDENTITY, []))
    folder = CheckpointFolder(tmp_path / "b", IDENTITY, [])

    with pytest.raises(KilledError):
        run_through(guess_run(optimizer), folder, killed_before(last_step))
    again = guess_run(optimizer)
    if last_step:
        # What is drawn from here on must come from the state, not from this process.
        torch.manual_seed(999)
    run_through(again, folder)

    assert_equal_state(again.state(), whole.state())
    assert_equal_state(again.chosen(), whole.chosen())
    assert whole.step == NUM_STEPS


@pytest.mark.parametrize("last_step", [1, 4, 6])
@pytest.mark.parametrize(
    "chosen",
    [{"schedule": PLATEAU}, {"stepping": Stepping(1, "float32", 0.1)}],
    ids=["plateau", "norm"],
)
def test_so_does_one_with_a_plateau_or_a_limit(tmp_path, chosen, last_step):
    whole = run_through(guess_run(**chosen), CheckpointFolder(tmp_path / "a", IDENTITY, []))
    folder = CheckpointFolder(tmp_path / "b", IDENTITY, [])

    with pytest.raises(KilledError):
        run_through(guess_run(**chosen), folder, killed_before(last_step))
    again = run_through(guess_run(**chosen), folder)

    assert_equal_state(again.state(), whole.state())
    assert len({row["learning_rate"] for row in whole.history}) > 1 or "stepping" in chosen


def test_a_run_that_accumulates_resumes_at_its_batches(tmp_path):
    asked = []

    def recorded(first, last):
        asked.append((first, last))
        return killed_before(9)(first, last)

    folder = CheckpointFolder(tmp_path / "a", IDENTITY, [])
    with pytest.raises(KilledError):
        run_through(guess_run(stepping=Stepping(2)), folder, recorded)
    again = guess_run(stepping=Stepping(2))
    run_through(again, folder, lambda *span: asked.append(span) or batches(*span))
    whole = run_through(
        guess_run(stepping=Stepping(2)), CheckpointFolder(tmp_path / "b", IDENTITY, [])
    )

    assert asked == [(0, 2 * NUM_STEPS), (8, 2 * NUM_STEPS)]
    assert_equal_state(again.state(), whole.state())


def test_a_resumed_run_repeats_no_finished_step(checkpoints):
    asked = []

    def recorded(first_step, num_steps):
        asked.append((first_step, num_steps))
        return killed_before(5)(first_step, num_steps)

    with pytest.raises(KilledError):
        run_through(guess_run(), checkpoints, recorded)
    run_through(guess_run(), checkpoints, lambda *span: asked.append(span) or batches(*span))

    assert asked == [(0, NUM_STEPS), (5, NUM_STEPS)]


def test_checkpoints_keep_their_distance(checkpoints):
    with pytest.raises(KilledError):
        run_through(guess_run(), checkpoints, killed_before(5), seconds=3600)

    assert checkpoints.load() is None


def test_dropout_is_on_in_training(checkpoints, tmp_path):
    # Guards the equalities above: they must not hold for want of randomness.
    first = run_through(guess_run(), checkpoints)
    other = guess_run()
    torch.manual_seed(1)
    run_through(other, CheckpointFolder(tmp_path / "other", IDENTITY, []))

    assert first.history[0]["loss"] != other.history[0]["loss"]


def test_every_step_takes_its_own_rate(checkpoints):
    run = run_through(descent_run(drops=(2,)), checkpoints, offsets(0, 0, 0, 0, 0), None)

    # Two steps of 0.5, three of 0.05.
    assert run.task.model.weight.item() == pytest.approx(5 - 2 * 0.5 - 3 * 0.05)


def test_history_holds_the_means_of_each_interval(checkpoints):
    run = run_through(descent_run(drops=(3,)), checkpoints, offsets(1, 2, 3, 4, 5), None)

    # The weight before each step is 5, 4.5, 4, 3.5, 3.45.
    assert [row["step"] for row in run.history] == [2.0, 4.0, 5.0]
    assert [row["loss"] for row in run.history] == pytest.approx([6.25, 7.25, 8.45])
    assert [row["learning_rate"] for row in run.history] == pytest.approx([0.5, 0.275, 0.05])
    assert all(set(row) == {"step", "loss", "learning_rate"} for row in run.history)


@pytest.mark.parametrize(
    ("scores", "keep", "step"),
    [
        ((0.5, 0.7, 0.6), "best", 4),
        ((0.7, 0.5, 0.7), "best", 5),
        ((0.7, 0.7, 0.5), "best", 4),
        ((-2.0, -1.0, -3.0), "best", 4),
        ((0.7, 0.5, 0.6), "last", 5),
        ((math.nan, math.nan, math.nan), "best", 5),
        (None, "best", 5),
    ],
)
def test_the_best_weights_are_published_and_the_later_of_equals(checkpoints, scores, keep, step):
    left = iter(scores or ())
    score = (lambda task: next(left)) if scores else None
    run = run_through(descent_run(keep), checkpoints, offsets(0, 0, 0, 0, 0), score)

    weights, chosen = run.chosen()

    assert chosen == step
    assert weights["weight"].item() == pytest.approx(5 - 0.5 * step)
    found = [row.get("validation_score") for row in run.history]
    assert found == pytest.approx(list(scores) if scores else [None] * 3, nan_ok=True)


def test_the_history_holds_what_monitors_and_measures_say(checkpoints):
    class Watched(Descent):
        def monitor(self):
            return {"weight": self.model.weight.item()}

    task = Watched()
    run = Run(task, SGD(task.parameters(), lr=1.0), 0.5, Schedule(4, 0, (), 0.1, False, 2), "last")
    reported = []
    measures = {"training": lambda task: float(task.training)}
    source = offsets(0, 0, 0, 0)
    train(run, source, None, checkpoints, 0, CPU, "test", measures, reported.append)

    assert [row["weight"] for row in run.history] == pytest.approx([4.0, 3.0])
    assert [row["training"] for row in run.history] == [1.0, 1.0]
    assert reported == run.history


def test_rows_before_a_resumption_are_reported_too(checkpoints):
    with pytest.raises(KilledError):
        run_through(guess_run(), checkpoints, killed_before(5))
    run, reported = guess_run(), []
    train(run, batches, validate, checkpoints, 0, CPU, "test", report=reported.append)

    assert [row["step"] for row in reported] == [3.0, 6.0, 7.0]


def test_the_rate_follows_the_scores_on_a_plateau(checkpoints):
    scores = iter([0.1, 0.3, 0.2, 0.3, 0.4])
    task = Descent()
    schedule = Schedule(5, 0, (), 0.1, False, 1, patience=1)
    run = Run(task, SGD(task.parameters(), lr=1.0), 0.5, schedule, "last")

    run_through(run, checkpoints, offsets(0, 0, 0, 0, 0), lambda task: next(scores))

    rates = [row["learning_rate"] for row in run.history]
    assert rates == pytest.approx([0.5, 0.5, 0.5, 0.5, 0.05])


def test_the_features_of_a_backbone_are_watched(checkpoints):
    task = Classification(build_classifier("r2plus1d-tiny", 3, 2, 0.0, seed=1), "rgb")
    run = Run(task, SGD(task.parameters(), lr=1.0), 0.01, Schedule(2, 0, (), 0.1, False, 1), "last")
    clips = torch.randn(2, 2, 3, 4, 12, 12, generator=torch.Generator().manual_seed(0))
    batch = {"rgb": clips, "label": torch.zeros(2, 2, dtype=torch.int64), "video_id": ["a", "b"]}

    run_through(run, checkpoints, lambda *span: [batch] * 2, None)

    for row in run.history:
        assert 0 < row["feature_spread"] < 1 / 8
        assert 1 < row["feature_rank"] <= 4


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_without_value_stops_before_the_step_and_names_the_videos(checkpoints, loss):
    class Poisoned(Guess):
        def forward(self, batch):
            found = super().forward(batch)
            if batch["video_id"][0] == "v3":
                found["loss"] = found["loss"] * 0 + loss
            return found

    torch.manual_seed(0)
    task = Poisoned()
    parameters = list(task.parameters())
    run = Run(task, SGD(parameters, 1.0), 0.05, Schedule(NUM_STEPS, 0, (), 0.1, True, 3), "best")
    seen = []

    def recorded(first_step, num_steps):
        for batch in batches(first_step, num_steps):
            seen[:] = [parameter.detach().clone() for parameter in parameters]
            yield batch

    with pytest.raises(NonFiniteLossError) as failure:
        run_through(run, checkpoints, recorded)

    message = str(failure.value)
    assert f"test: loss is {loss} at step 3" in message
    assert "videos v3, w3" in message
    assert run.step == 3
    assert all(torch.equal(now, then) for now, then in zip(parameters, seen, strict=True))


def test_validation_leaves_training_as_it_was(tmp_path):
    with_score = run_through(guess_run(), CheckpointFolder(tmp_path / "a", IDENTITY, []))
    without = run_through(guess_run(), CheckpointFolder(tmp_path / "b", IDENTITY, []), score=None)

    assert_equal_state(with_score.task.state_dict(), without.task.state_dict())


def test_the_mean_score_is_over_clips_in_evaluation_mode():
    class Given(Task):
        def score(self, batch):
            assert not self.training
            assert batch["video_id"] in (["a"], ["b"])
            return batch["value"]

    videos = [
        {"value": torch.tensor([1.0, 0.0, 0.0]), "video_id": "a"},
        {"value": torch.tensor([1.0]), "video_id": "b"},
    ]

    assert mean_score(Given(), videos, CPU) == 0.5


class Followed(Descent):
    """Notes when the engine calls."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def before_step(self, step):
        self.calls.append(("before", step, self.model.weight.item()))

    def after_step(self):
        self.calls.append(("after", self.model.weight.item()))


def test_a_task_is_asked_before_and_told_after_every_step(checkpoints):
    task = Followed()
    schedule = Schedule(2, 0, (), 0.1, False, 2)
    run = Run(task, SGD(task.parameters(), lr=1.0), 0.5, schedule, "last")

    run_through(run, checkpoints, offsets(0, 0), None)

    assert task.calls == [("before", 0, 5.0), ("after", 4.5), ("before", 1, 4.5), ("after", 4.0)]
