from typing import Literal

import msgspec
import pytest

from pipelines.io.config import canonical, decode_config
from pipelines.io.errors import ConfigError


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rate: float


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Literal["sgd", "adamw"]
    inner: Inner
    sizes: tuple[int, ...] = ()


def test_json_becomes_the_structure():
    text = '{"name": "sgd", "inner": {"rate": 0.5}, "sizes": [1, 2]}'

    assert decode_config(text, Outer) == Outer("sgd", Inner(0.5), (1, 2))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('{"name": "sgd", "inner": {"rate": 1, "rat": 2}}', ["Outer", "rat", "$.inner"]),
        ('{"name": "sgd"}', ["missing required field `inner`"]),
        ('{"name": "sgd", "inner": {"rate": "0.1"}}', ["$.inner.rate", "expected `float`, got"]),
        ('{"name": "adam", "inner": {"rate": 1}}', ["'adam'", "$.name"]),
        ('{"name": "sgd", "inner": {"rate": 1}, "sizes": [1.5]}', ["$.sizes[0]", "int"]),
        ('{"name": ', ["Outer", '{"name": ']),
    ],
)
def test_what_does_not_fit_is_named(text, parts):
    with pytest.raises(ConfigError) as failure:
        decode_config(text, Outer)
    assert [part for part in parts if part.lower() not in str(failure.value).lower()] == []


def test_canonical_text_ignores_the_order_of_keys_but_not_of_lists():
    assert canonical({"b": 1, "a": [2, 3]}) == '{"a":[2,3],"b":1}'
    assert canonical({"a": [2, 3], "b": 1}) == canonical({"b": 1, "a": [2, 3]})
    assert canonical({"a": [3, 2], "b": 1}) != canonical({"b": 1, "a": [2, 3]})
