import copy

import pytest

from pipelines.io.errors import ConfigError
from pipelines.io.schema import check, check_one_of, with_defaults, without_required

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["size"],
    "properties": {
        "size": {"type": "integer", "minimum": 1},
        "rate": {"type": ["number", "null"]},
        "unit": {"enum": ["epochs", "steps"]},
        "limits": {
            "type": "object",
            "default": {},
            "properties": {"share": {"type": "number", "default": 0.05}},
        },
        "targets": {"type": "object", "additionalProperties": {"$ref": "#/$defs/target"}},
    },
    "$defs": {
        "target": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "seeds": {"default": [0]}},
        },
        "preset": {"type": "object", "required": ["frames"], "properties": {"required": {}}},
    },
}


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        (
            {"size": 1, "sise": 2},
            "config: p: unknown key 'sise' (did you mean 'size'?); "
            "choices: size, rate, unit, limits, targets",
        ),
        (
            {"size": 1, "qqq": 2},
            "config: p: unknown key 'qqq'; choices: size, rate, unit, limits, targets",
        ),
        ({}, "config: p: 'size' is a required property; needed keys: size"),
        ({"size": 1.5}, "config: p.size: expected a whole number, found 1.5"),
        ({"size": True}, "config: p.size: expected a whole number, found True"),
        ({"size": 4.0}, "config: p.size: expected a whole number, found 4.0"),
        ({"size": "many"}, "config: p.size: expected a whole number, found the text 'many'"),
        (
            {"size": 1, "rate": "1e-3"},
            "config: p.rate: expected a number or null, found the text '1e-3' "
            "(YAML reads this as text: write 0.001)",
        ),
        (
            {"size": "4"},
            "config: p.size: expected a whole number, found the text '4' (write 4 without quotes; "
            "snakemake's --config reads all within braces as text: put it into a file and name "
            "that by --configfile)",
        ),
        ({"size": "[4"}, "config: p.size: expected a whole number, found the text '[4'"),
        ({"size": 1, "limits": 3}, "config: p.limits: expected a section of keys, found 3"),
        (
            {"size": 1, "unit": "step"},
            "config: p.unit: found 'step'; choices: 'epochs', 'steps' (did you mean 'steps'?)",
        ),
        ({"size": 0}, "config: p.size: 0 is less than the minimum of 1"),
        (
            {"size": 1, "targets": {"demo": {}}},
            "config: p.targets.demo: 'name' is a required property; needed keys: name",
        ),
    ],
)
def test_messages_name_key_value_and_choices(instance, message):
    with pytest.raises(ConfigError) as failure:
        check(instance, SCHEMA, "p")
    assert str(failure.value) == message


def test_without_a_prefix_the_place_is_the_top_level():
    with pytest.raises(ConfigError, match="config: top level: unknown key 'x'"):
        check({"size": 1, "x": 1}, SCHEMA, "")


def test_several_faults_are_told_at_once_but_no_more_than_five():
    schema = {"additionalProperties": {"type": "integer"}}

    with pytest.raises(ConfigError) as failure:
        check({str(number): "x" for number in range(8)}, schema, "")
    assert len(str(failure.value).splitlines()) == 5


def test_what_fits_passes():
    check({"size": 2, "rate": None, "unit": "steps", "targets": {"a": {"name": "x"}}}, SCHEMA, "")


def test_a_choice_is_checked_with_the_nearest_one_named():
    check_one_of("targets.a.preset", "demo", {"demo": 1, "paper": 2})

    with pytest.raises(ConfigError) as failure:
        check_one_of("targets.a.preset", "dmo", {"demo": 1, "paper": 2})
    assert str(failure.value) == (
        "targets.a.preset: found 'dmo'; choices: demo, paper (did you mean 'demo'?)"
    )


def test_defaults_are_filled_at_every_depth_without_touching_the_input():
    config = {"size": 1, "targets": {"a": {"name": "x"}, "b": {"name": "y", "seeds": [1]}}}
    before = copy.deepcopy(config)

    found = with_defaults(config, SCHEMA, SCHEMA)

    assert found == {
        "size": 1,
        "limits": {"share": 0.05},
        "targets": {"a": {"name": "x", "seeds": [0]}, "b": {"name": "y", "seeds": [1]}},
    }
    assert config == before
    found["targets"]["a"]["seeds"].append(9)
    assert SCHEMA["$defs"]["target"]["properties"]["seeds"]["default"] == [0]


def test_required_keys_are_dropped_from_definitions_but_for_those_kept():
    loose = without_required(SCHEMA, ["target"])

    assert "required" not in loose["$defs"]["preset"]
    assert loose["$defs"]["preset"]["properties"] == {"required": {}}
    assert loose["$defs"]["target"]["required"] == ["name"]
    assert loose["required"] == ["size"]
    assert SCHEMA["$defs"]["preset"]["required"] == ["frames"]
