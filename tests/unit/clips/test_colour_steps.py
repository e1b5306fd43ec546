import numpy as np
import pytest
import torch

from pipelines.clips.colour import IDENTITY, OPERATIONS, ORDERS, ColourConfig, draw_colours
from pipelines.clips.colour_kernel import GREY, HUE, NOTHING
from pipelines.clips.colour_steps import shown, stepped, steps_of

WIDE = ColourConfig(1.5, 1.5, 1.5, 0.5, 0.9, 0.3, True)
MEAN, STD = (0.45, 0.4, 0.5), (0.225, 0.2, 0.25)


@pytest.mark.parametrize("grey_first", [True, False])
def test_steps_stand_in_the_order_of_their_row(grey_first):
    colours = draw_colours([np.random.default_rng(0)], WIDE, 40)

    found = steps_of(colours, grey_first)

    for row, (steps, amounts) in enumerate(zip(found.steps, found.amounts, strict=True)):
        expected = []
        for operation in ORDERS[colours.order[row]]:
            amount = getattr(colours, OPERATIONS[operation])[row]
            is_still = amount == IDENTITY[OPERATIONS[operation]]
            turned = 6 * amount if operation == HUE else amount
            expected.append((NOTHING if is_still else operation, turned))
        greying = (GREY if colours.is_grey[row] else NOTHING, 0)
        expected.insert(0 if grey_first else len(OPERATIONS), greying)
        assert list(zip(steps.tolist(), amounts.tolist(), strict=True)) == expected


@pytest.mark.parametrize("shape", [(3, 4, 9, 7), (2, 1, 70, 71), (1, 2, 1, 1), (0, 4, 5, 5)])
def test_what_is_shown_is_what_was_stepped_normalised(shape):
    num_clips, num_frames, *size = shape
    clips = torch.randint(0, 256, (num_clips, 3, num_frames, *size), dtype=torch.uint8)
    colours = draw_colours([np.random.default_rng(1)], WIDE, num_clips * num_frames)
    steps = steps_of(colours, grey_first=True)

    found = shown(clips, steps, MEAN, STD)

    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    expected = stepped(clips.float() / 255, steps).sub(mean).div(std)
    assert torch.equal(found, expected.movedim(1, -1))
    assert found.is_contiguous()
