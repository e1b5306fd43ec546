import pytest

from pipelines.tables.plan_config import PartConfig


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (PartConfig("many"), "many"),
        (PartConfig("many", "all", ("train",)), "many.all"),
        (PartConfig("many", "all", ("train", "unlabelled"), 57), "many.all@57%"),
    ],
)
def test_videos_are_named_as_in_a_source(part, name):
    assert part.named() == name
