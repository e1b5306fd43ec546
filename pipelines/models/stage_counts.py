"""How many stages each backbone has, its stem included; known without torch, for planning."""

MOST_STAGES = 5
# Those that have fewer.
FEWER_STAGES = {"r2plus1d-tiny": 4}


def num_stages(backbone: str) -> int:
    """Stages of a backbone of `pipelines.models.backbones`."""
    return FEWER_STAGES.get(backbone, MOST_STAGES)
