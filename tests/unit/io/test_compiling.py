import logging

import pytest

from pipelines.io import compiling
from pipelines.io.compiling import compiled


def halved(value):
    return value / 2


def test_a_compiled_function_gives_what_it_gave_and_takes_options():
    assert compiled()(halved)(3.0) == 1.5
    with pytest.raises(ZeroDivisionError):
        compiled()(lambda value: 1.0 / value)(0.0)
    assert compiled(error_model="numpy")(lambda value: 1.0 / value)(0.0) == float("inf")


def test_a_place_without_any_cache_is_warned_of_and_works(monkeypatch, caplog):
    def refuses(cache=False, **options):
        if cache:
            raise RuntimeError("no locator available")
        assert options == {"nogil": True}
        return lambda function: function

    monkeypatch.setattr(compiling, "njit", refuses)

    with caplog.at_level(logging.WARNING):
        function = compiled(nogil=True)(halved)

    assert function is halved
    assert "no locator available" in caplog.text
    assert "NUMBA_CACHE_DIR" in caplog.text
