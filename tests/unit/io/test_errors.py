import pytest

from pipelines.io import errors
from pipelines.io.errors import PipelineError, UnreadableVideoError


@pytest.mark.parametrize(
    "name",
    ["ConfigError", "ContractError", "DatasetError", "TooManySkippedError", "UnreadableVideoError"],
)
def test_what_a_user_can_act_on_is_a_pipeline_error(name):
    assert issubclass(getattr(errors, name), PipelineError)


def test_an_unreadable_video_keeps_kind_and_detail_apart():
    error = UnreadableVideoError("truncated", "3 of 12 frames")

    assert (error.kind, error.detail) == ("truncated", "3 of 12 frames")
    assert str(error) == "truncated: 3 of 12 frames"
