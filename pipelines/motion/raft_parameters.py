"""Parameters of RAFT, apart from the network so that reading a config loads no torch."""

from typing import Annotated, Literal

import msgspec


class RaftParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Section `motion.raft` of a preset.

    Attributes:
        implementation: Library whose network runs.
        variant: "things" is the large network trained on FlyingChairs and FlyingThings3D.
        num_updates: Recurrent updates.
        short_side_px: Frames are resized to this shorter side before RAFT and the flow is scaled
            back; null takes them as they are.
        weights: Local file; null takes the library's own download.
        batch_pairs: Frame pairs that run at once.
    """

    implementation: Literal["ptlflow", "torchvision"] = "ptlflow"
    variant: Literal["things", "small"] = "things"
    num_updates: Annotated[int, msgspec.Meta(ge=1)] = 20
    short_side_px: Annotated[int, msgspec.Meta(ge=8)] | None = None
    weights: str | None = None
    batch_pairs: Annotated[int, msgspec.Meta(ge=1)] = 1
