import io

import numpy as np
import pytest
import torch

from pipelines.io.damage import DAMAGE

# What a download leaves that did not bring the file.
PAGES = (
    "",
    "hello",
    "error",
    "Quota exceeded",
    "Repository not found",
    "<!DOCTYPE html>",
    "version 1",
)


@pytest.mark.parametrize("page", PAGES)
def test_texts_are_damaged_files(page):
    with pytest.raises(DAMAGE):
        torch.load(io.BytesIO(page.encode()), weights_only=True)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_cut_files_and_flipped_bits_raise_nothing_else():
    written = io.BytesIO()
    torch.save({"weight": torch.arange(6.0), "bias": torch.zeros(2)}, written)
    whole = np.frombuffer(written.getvalue(), np.uint8)
    rng = np.random.default_rng(0)
    num_refused = 0
    for _ in range(200):
        content = whole.copy()
        content[rng.integers(len(content), size=4)] ^= rng.integers(1, 256, 4).astype(np.uint8)
        content = content[: rng.integers(1, len(content) + 1)]
        for damaged in (content, rng.integers(0, 256, 64).astype(np.uint8)):
            try:
                torch.load(io.BytesIO(damaged.tobytes()), weights_only=True)
            except DAMAGE:
                num_refused += 1

    assert num_refused > 200
