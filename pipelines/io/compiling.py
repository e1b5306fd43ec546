"""Functions compiled by numba, whose machine code later processes take over."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable[..., object])

log = logging.getLogger(__name__)


def compiled(**options: Any) -> Callable[[Function], Function]:  # noqa: ANN401 - numba's own
    """Decorate a function to be compiled at its first call, or taken from an earlier process.

    numba keeps machine code below NUMBA_CACHE_DIR, else beside the function's file, else in the
    user's cache folder, and notices edits of that file alone: a compiled function must hold no
    constant of another module, and call no compiled function of one.

    Args:
        options: Of `numba.njit`, but for `cache`.
    """

    def decorate(function: Function) -> Function:
        try:
            return cast(Function, njit(cache=True, **options)(function))
        except RuntimeError as error:
            # It refuses where none of the places can be written.
            log.warning(
                "%s: every process compiles anew, some seconds each; set NUMBA_CACHE_DIR to a "
                "folder that can be written",
                error,
            )
            return cast(Function, njit(**options)(function))

    return decorate
