import msgspec
import pytest

from pipelines.figures.curve_definition import CurveDefinition

TEXT = """
x: clusters
measures: [top1]
curves: {ours: {k2: 2, k4: 4}, theirs: {other: 4}}
levels: {without: none}
"""


def test_every_row_that_is_shown_is_named():
    definition = msgspec.yaml.decode(TEXT, type=CurveDefinition)

    assert definition.rows() == ["k2", "k4", "other", "none"]
    assert definition.scale == "linear"


@pytest.mark.parametrize("wrong", ["scale: cubic", "colour: red"])
def test_what_is_not_known_is_refused(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.yaml.decode(TEXT + wrong, type=CurveDefinition)
