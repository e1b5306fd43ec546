import errno
import logging
import os
from pathlib import Path

import pytest
import torch

from pipelines.io.errors import PipelineError
from pipelines.training.checkpoint import CheckpointFolder

IDENTITY = {"module": "m", "code": "c", "config": "{}", "seed": "0", "git": "abc"}
STATE = {
    "task": {"weight": torch.arange(1000.0)},
    "rng": {"cpu": torch.get_rng_state(), "cuda": []},
    "step": 7,
    "history": [{"loss": 0.5}],
    "best": (0.25, 5, {"weight": torch.ones(3)}),
}


@pytest.fixture
def inputs(tmp_path):
    paths = [tmp_path / "a.h5", tmp_path / "b.h5"]
    for path in paths:
        path.write_text("content")
    return paths


@pytest.fixture
def folder(tmp_path, inputs):
    return CheckpointFolder(tmp_path / "state", IDENTITY, inputs)


def assert_is_saved_state(found):
    assert torch.equal(found["task"]["weight"], STATE["task"]["weight"])
    assert torch.equal(found["rng"]["cpu"], STATE["rng"]["cpu"])
    assert (found["step"], found["history"]) == (7, STATE["history"])
    assert tuple(found["best"][:2]) == (0.25, 5)


def test_nothing_saved_is_a_fresh_start(folder):
    assert folder.load() is None


def test_the_last_state_comes_back(folder):
    folder.save({**STATE, "step": 3})
    folder.save(STATE)

    assert_is_saved_state(folder.load())
    assert [path.name for path in folder.folder.iterdir()] == ["last.pt"]


def test_a_finished_run_leaves_nothing(folder):
    folder.save(STATE)
    folder.clear()
    folder.clear()

    assert not folder.folder.exists()
    assert folder.load() is None


@pytest.mark.parametrize("key", ["module", "code", "config", "seed"])
def test_another_run_never_meets_the_state(folder, tmp_path, inputs, key):
    folder.save(STATE)

    assert CheckpointFolder(tmp_path / "state", {**IDENTITY, key: "other"}, inputs).load() is None


def test_another_commit_with_the_same_code_does(folder, tmp_path, inputs):
    folder.save(STATE)

    same = CheckpointFolder(tmp_path / "state", {**IDENTITY, "git": "def+"}, inputs)
    assert_is_saved_state(same.load())


@pytest.mark.parametrize("change", ["size", "time", "path"])
def test_a_run_on_other_inputs_never_meets_the_state(folder, tmp_path, inputs, change):
    folder.save(STATE)
    if change == "size":
        inputs[1].write_text("more content")
    elif change == "time":
        os.utime(inputs[1], (1, 1))
    else:
        inputs[1] = inputs[1].rename(tmp_path / "c.h5")

    assert CheckpointFolder(tmp_path / "state", IDENTITY, inputs).load() is None


def flipped(content):
    place = content.index(STATE["task"]["weight"].numpy().tobytes()) + 2001
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: b"",
        lambda c: c[: len(c) // 2],
        lambda c: b"text" * 100,
        lambda c: c[:-30],
        flipped,
    ],
    ids=["empty", "half", "text", "end", "bit"],
)
def test_a_damaged_state_is_reported_and_set_aside(folder, caplog, damage):
    folder.save(STATE)
    folder.path.write_bytes(damage(folder.path.read_bytes()))

    with caplog.at_level(logging.WARNING):
        assert folder.load() is None
    (record,) = caplog.records
    assert f"{folder.path} cannot be read" in record.getMessage()
    assert "starts afresh" in record.getMessage()
    assert [path.name for path in folder.folder.iterdir()] == ["last.pt.damaged"]


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("read_bytes", OSError(errno.EMFILE, "Too many open files")),
        ("read_bytes", PermissionError(errno.EACCES, "Permission denied")),
        ("load", RuntimeError("DefaultCPUAllocator: can't allocate memory")),
    ],
)
def test_a_state_that_cannot_be_read_now_is_kept(folder, monkeypatch, place, error):
    folder.save(STATE)

    def fail(*args, **options):
        raise error

    monkeypatch.setattr(Path if place == "read_bytes" else torch, place, fail)
    with pytest.raises(PipelineError, match="it is kept"):
        folder.load()
    monkeypatch.undo()
    assert_is_saved_state(folder.load())


def test_no_flipped_byte_of_the_archive_is_read_as_another_state(folder):
    folder.save(STATE)
    content = folder.path.read_bytes()
    for place in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[place] ^= 0x21
        folder.path.write_bytes(damaged)
        found = folder.load()
        if found is not None:
            # Padding and names between the parts of the archive mean nothing.
            assert_is_saved_state(found)


def test_a_full_disk_keeps_the_state_before_and_names_the_path(folder, monkeypatch):
    folder.save(STATE)

    def fill(path, content):
        path.open("wb").write(content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", fill)
    with pytest.raises(PipelineError, match=r"last\.pt: the disk is full"):
        folder.save({**STATE, "step": 8})

    monkeypatch.undo()
    assert_is_saved_state(folder.load())
    assert [path.name for path in folder.folder.iterdir()] == ["last.pt"]
