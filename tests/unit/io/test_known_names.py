import pytest

from pipelines.io.errors import ConfigError
from pipelines.io.known_names import KnownNames
from pipelines.io.schema import Section


class Made(dict[str, Section]):
    """Makes one entry when it is asked for."""

    def __missing__(self, name: str) -> Section:
        if name != "smoke-12345678":
            raise KeyError(name)
        return {"is": "made"}


@pytest.fixture
def names():
    def refuse(error):
        raise SystemExit(str(error))

    return KnownNames("presets", Made({"smoke": {}, "demo": {}, "rate-random-00": {}}), refuse)


def test_entries_are_found_also_those_that_come_later(names):
    names["later"] = {"is": "later"}

    assert names["smoke"] == {}
    assert names["later"] == names.data["later"] == {"is": "later"}
    assert names["smoke-12345678"] == {"is": "made"}
    assert "smok" not in names


def test_another_name_ends_with_the_names_that_users_gave(names):
    message = r"presets: found 'smok'; choices: smoke, demo \(did you mean 'smoke'\?\)"

    with pytest.raises(SystemExit, match=message):
        names["smok"]
    with pytest.raises(ConfigError, match=message):
        names.check("smok")
    names.check("rate-random-00")
