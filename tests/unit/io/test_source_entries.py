import pytest

from pipelines.io.errors import ConfigError
from pipelines.io.source_entries import SourceEntry, parse_entry, parse_part, with_share


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("many", ("many", "", 100)),
        ("many:all", ("many", "all", 100)),
        ("many@5%", ("many", "", 5)),
        ("many_2:split1@57%", ("many_2", "split1", 57)),
    ],
)
def test_entries(text, expected):
    assert parse_entry(text) == expected


@pytest.mark.parametrize("text", ["", "many@0%", "many@100%", "many@57", "many:@5%", "many@5%:all"])
def test_what_is_no_entry_is_refused(text):
    with pytest.raises(ConfigError, match="or either with a share such as @57%"):
        parse_entry(text)


@pytest.mark.parametrize("text", ["many.all", "many.all.57pc", "many.all.5pc"])
def test_a_part_comes_back(text):
    assert parse_part(text).part() == text


def test_a_share_of_a_share():
    assert with_share("many", 100) == "many"
    assert with_share("many:all", 57) == "many:all@57%"
    assert parse_entry(with_share("many@50%", 57)) == SourceEntry("many", "", 28)
    assert with_share("many@1%", 1) == "many@1%"
