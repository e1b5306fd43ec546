import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numba import njit, types

from pipelines.motion import tvl1_kernel as kernel

HEIGHT, WIDTH = 7, 21
PITCH = 32
BOUND, THETA, TAU = 0.045, 0.3, 0.25
TINY = 1.1920929e-07


def plane(values: np.ndarray) -> np.ndarray:
    """Values laid out as the kernel's module says."""
    grid = np.zeros((HEIGHT + 2, PITCH), np.float32)
    grid[1:-1, :WIDTH] = values
    return grid.ravel()


def picture(flat: np.ndarray) -> np.ndarray:
    grid = flat.reshape(HEIGHT + 2, PITCH)
    inside = grid[1:-1, :WIDTH]
    assert np.count_nonzero(grid) == np.count_nonzero(inside), "the padding was written to"
    return inside


def textbook_iteration(u, gradient, rho, p):
    """One iteration by the papers' formulas, in float64: v, then u, then p.

    `u` (2, H, W), `gradient` (2, H, W), `rho` (H, W) without its part in u, `p` (2, 2, H, W).
    """
    squared = (gradient**2).sum(0)
    residual = rho + (gradient * u).sum(0)
    v = u.copy()
    for y, x in np.ndindex(rho.shape):
        if residual[y, x] < -BOUND * squared[y, x]:
            v[:, y, x] += BOUND * gradient[:, y, x]
        elif residual[y, x] > BOUND * squared[y, x]:
            v[:, y, x] -= BOUND * gradient[:, y, x]
        elif squared[y, x] > TINY:
            v[:, y, x] -= residual[y, x] / squared[y, x] * gradient[:, y, x]
    horizontal = np.diff(p[:, 0], axis=2, prepend=0)
    vertical = np.diff(p[:, 1], axis=1, prepend=0)
    new_u = v + THETA * (horizontal + vertical)
    forward = np.stack(
        [
            np.diff(new_u, axis=2, append=new_u[:, :, -1:]),
            np.diff(new_u, axis=1, append=new_u[:, -1:]),
        ],
        axis=1,
    )
    step = TAU / THETA
    length = np.sqrt((forward**2).sum(1, keepdims=True))
    return new_u, (p + step * forward) / (1 + step * length), ((new_u - u) ** 2).sum()


def run(u, gradient, rho, p, num_iterations, limit=0.0):
    inverse = 1 / np.maximum((gradient**2).sum(0), TINY)
    planes = [plane(a) for a in (*u, *gradient, rho, inverse, *p.reshape(4, HEIGHT, WIDTH))]
    steps = np.zeros(PITCH, np.float32)
    steps[: WIDTH - 1] = TAU / THETA
    constants = (np.float32(BOUND), np.float32(THETA), np.float32(TAU / THETA))
    done, change = kernel.iterate(*planes, steps, HEIGHT, *constants, limit, num_iterations)
    found = [picture(each) for each in planes]
    return np.stack(found[:2]), np.stack(found[6:]).reshape(p.shape), done, change


@pytest.fixture
def state():
    rng = np.random.default_rng(0)
    gradient = rng.normal(0, 3, (2, HEIGHT, WIDTH))
    gradient[:, 2:4, 5:9] = 0  # flat patches have no data term
    rho = rng.normal(0, 4, (HEIGHT, WIDTH)) * rng.integers(0, 2, (HEIGHT, WIDTH))
    p = np.zeros((2, 2, HEIGHT, WIDTH))
    return rng.normal(size=(2, HEIGHT, WIDTH)), gradient, rho, p


@pytest.mark.parametrize("num_iterations", [1, 2, 9])
def test_iterations_follow_the_papers_formulas(state, num_iterations):
    u, gradient, rho, p = state
    found_u, found_p, done, change = run(u, gradient, rho, p, num_iterations)

    for _ in range(num_iterations):
        u, p, expected_change = textbook_iteration(u, gradient, rho, p)

    assert done == num_iterations
    np.testing.assert_allclose(found_u, u, atol=2e-5)
    np.testing.assert_allclose(found_p, p, atol=2e-5)
    assert change == pytest.approx(expected_change, rel=1e-4)


def test_stops_after_the_first_small_change(state):
    u, gradient, rho, p = state
    u, p, _, _ = run(u, gradient, rho, p, 40)
    state = u, gradient, rho, p
    changes = [run(*state, n)[3] for n in (1, 2, 3)]

    _, _, done, change = run(*state, 30, limit=changes[1])

    assert changes[0] > changes[1] > changes[2]
    assert (done, change) == (2, changes[1])


def test_coordinates_are_pixel_plus_flow():
    rng = np.random.default_rng(1)
    u1, u2 = rng.normal(size=(2, HEIGHT, WIDTH)).astype(np.float32)
    x, y = np.empty((2, HEIGHT, WIDTH), np.float32)

    kernel.coordinates(plane(u1), plane(u2), PITCH, x, y)

    np.testing.assert_array_equal(x, u1 + np.arange(WIDTH, dtype=np.float32))
    np.testing.assert_array_equal(y, u2 + np.arange(HEIGHT, dtype=np.float32)[:, None])


def test_linearised_residual_is_exact_at_the_present_flow():
    rng = np.random.default_rng(2)
    warped = rng.normal(0, 5, (HEIGHT, WIDTH, 3)).astype(np.float32)
    warped[0, 0, 1:] = 0
    image, u1, u2 = rng.normal(0, 5, (3, HEIGHT, WIDTH)).astype(np.float32)
    filled = [plane(np.zeros((HEIGHT, WIDTH))) for _ in range(4)]

    kernel.linearise(warped, image, plane(u1), plane(u2), *filled, PITCH)

    ix, iy, rho, inverse = map(picture, filled)
    np.testing.assert_array_equal(ix, warped[..., 1])
    np.testing.assert_array_equal(iy, warped[..., 2])
    np.testing.assert_allclose(rho + ix * u1 + iy * u2, warped[..., 0] - image, atol=1e-4)
    squared = np.maximum(ix**2 + iy**2, TINY)
    np.testing.assert_allclose(inverse * squared, 1, rtol=1e-5)


@pytest.mark.parametrize("size", [(5, 6), (1, 4), (4, 1), (1, 1)])
def test_gradients_are_central_and_half_at_the_borders(size):
    image = np.random.default_rng(3).normal(size=size).astype(np.float32)
    out = np.empty((*size, 3), np.float32)

    kernel.stack_gradients(image, out)

    padded = np.pad(image, 1, mode="edge")
    np.testing.assert_array_equal(out[..., 0], image)
    np.testing.assert_allclose(out[..., 1], (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, atol=1e-6)
    np.testing.assert_allclose(out[..., 2], (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2, atol=1e-6)


def test_the_sweep_is_vectorised(state):
    # One comparison too many for LLVM, and both loops silently run one value at a time.
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip(f"the test knows x86 instructions, this is {platform.machine()}")
    # Only a process that compiles, instead of taking machine code from the cache, has its text.
    letters = {"Q": types.uint64, "f": types.float32}
    cases = ((kernel._update_flow, 11, "QQff"), (kernel._update_dual, 7, "QQQf"))
    for function, arrays, scalars in cases:
        signature = tuple([types.float32[::1]] * arrays + [letters[s] for s in scalars])
        fresh = njit(**kernel.OPTIONS)(function.py_func)
        fresh.compile(signature)
        text = fresh.inspect_asm(signature)
        assert re.search(r"mulps", text), function.py_func.__name__


def test_machine_code_is_kept_where_the_install_is_read_only(tmp_path):
    source = tmp_path / "installed" / "kernel_copy.py"
    source.parent.mkdir()
    shutil.copy(Path(kernel.__file__), source)
    source.parent.chmod(0o555)
    script = (
        "import sys, numpy as np; sys.path.insert(0, sys.argv[1]); import kernel_copy as k;"
        "k.stack_gradients(np.zeros((3, 3), np.float32), np.empty((3, 3, 3), np.float32));"
        "print(sum(k.stack_gradients.stats.cache_hits.values()))"
    )
    environment = {"HOME": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PATH": ""}

    hits = [
        subprocess.run(
            [sys.executable, "-c", script, str(source.parent)],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for _ in range(2)
    ]

    source.parent.chmod(0o755)
    assert hits == ["0", "1"]
