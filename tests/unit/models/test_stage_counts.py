from pipelines.models.backbones import BACKBONES
from pipelines.models.stage_counts import num_stages


def test_counts_are_those_of_the_networks():
    built = {name: len(build(3).stage_names) for name, build in BACKBONES.items()}

    assert {name: num_stages(name) for name in BACKBONES} == built
