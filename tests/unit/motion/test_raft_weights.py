import hashlib
import math
import re

import numpy as np
import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.motion import raft_weights
from pipelines.motion.raft import build_raft
from pipelines.motion.raft_networks import build_network
from pipelines.motion.raft_parameters import RaftParameters
from pipelines.motion.raft_weights import load_weights, torchvision_names, without_prefix


@pytest.fixture(scope="module")
def small():
    return build_network("torchvision", "small").module


@pytest.fixture
def saved(tmp_path, small):
    """Weights as data-parallel training leaves them."""
    path = tmp_path / "mine.pth"
    state = {f"module.{name}": torch.full_like(v, 0.5) for name, v in small.state_dict().items()}
    torch.save(state, path)
    return path


def test_weights_are_loaded_and_recorded(small, saved):
    record = load_weights(small, "torchvision", "small", str(saved))

    assert all((weight == 0.5).all() for weight in small.parameters())
    assert record.name == "mine.pth"
    assert record.sha256 == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert "BSD-3-Clause" in record.licence


def test_weights_inside_a_checkpoint_are_found(small, saved):
    torch.save({"state_dict": torch.load(saved, weights_only=True), "epoch": 3}, saved)

    load_weights(small, "torchvision", "small", str(saved))


def test_every_key_that_does_not_fit_is_named(small, saved):
    state = torch.load(saved, weights_only=True)
    lost = "update_block.flow_head.conv1"
    gone = [state.pop(f"module.{lost}.{part}") for part in ("weight", "bias")]
    state |= {"module.one": gone[0], "module.two": gone[1]}
    torch.save(state, saved)

    with pytest.raises(ConfigError) as failure:
        load_weights(small, "torchvision", "small", str(saved))

    for name in (f"{lost}.weight", f"{lost}.bias", "one, two", "princeton-vl/RAFT"):
        assert name in str(failure.value)


def test_another_network_s_shapes_are_refused(small, tmp_path):
    torch.save(build_network("torchvision", "things").module.state_dict(), tmp_path / "large.pth")

    with pytest.raises(ConfigError, match=r"large\.pth does not fit torchvision RAFT small"):
        load_weights(small, "torchvision", "small", str(tmp_path / "large.pth"))


class Evil:
    """Would write a file when unpickled."""

    def __reduce__(self):
        return (print, ("unpickled",))


@pytest.mark.parametrize("content", [b"", b"not weights", {"a": Evil()}, [1, 2], {"a": "b"}])
def test_files_without_readable_weights_are_refused(small, tmp_path, content, capsys):
    path = tmp_path / "bad.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)

    with pytest.raises(ConfigError, match=r"bad\.pth"):
        load_weights(small, "torchvision", "small", str(path))
    assert "unpickled" not in capsys.readouterr().out


def test_a_missing_local_file_says_where_to_get_it(small):
    with pytest.raises(ConfigError, match=r"no/such\.pth is not a file.*princeton-vl/RAFT"):
        load_weights(small, "torchvision", "small", "no/such.pth")


@pytest.mark.parametrize(
    ("implementation", "variant", "name"),
    [
        ("torchvision", "things", "raft_large_C_T_V1-22a6c225.pth"),
        ("torchvision", "small", "raft_small_C_T_V1-ad48884c.pth"),
        ("ptlflow", "things", "raft-things-802bbcfd.ckpt"),
        ("ptlflow", "small", "raft_small-things-b7d9f997.ckpt"),
    ],
)
def test_without_a_network_one_error_says_what_was_looked_for(
    tmp_path, monkeypatch, small, implementation, variant, name
):
    asked = []

    def fail(url, target, hash_prefix, progress):
        asked.append((url, hash_prefix))
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)

    with pytest.raises(ConfigError) as failure:
        load_weights(small, implementation, variant, None)

    message = str(failure.value)
    for part in ("motion.raft.weights", str(tmp_path / "checkpoints" / name), "no route to host"):
        assert part in message
    assert "princeton-vl/RAFT" in message
    [(url, prefix)] = asked
    assert url.endswith(f"/{name}")
    assert prefix == re.search(r"-(\w{8})\.", name)[1]


def test_a_download_is_kept_and_used_again(tmp_path, monkeypatch, small, saved):
    downloads = []

    def download(url, target, hash_prefix, progress):
        downloads.append(url)
        torch.save(torch.load(saved, weights_only=True), target)

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(raft_weights.torch.hub, "download_url_to_file", download)

    records = [load_weights(small, "torchvision", "small", None) for _ in range(2)]

    assert len(downloads) == 1
    assert records[0] == records[1]
    assert records[0].name == "raft_small_C_T_V1-ad48884c.pth"


@pytest.mark.parametrize("variant", ["things", "small"])
def test_the_original_s_names_fit_torchvision(variant):
    # ptlflow keeps the original's names; equal shapes too, or load_state_dict would raise.
    original = build_network("ptlflow", variant).module.state_dict()
    module = build_network("torchvision", variant).module

    renamed = torchvision_names(without_prefix({f"module.{k}": v for k, v in original.items()}))

    assert renamed.keys() == module.state_dict().keys()
    module.load_state_dict(renamed)
    assert torchvision_names(module.state_dict()).keys() == module.state_dict().keys()


def convolution(name, *shape):
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def normalisation(name, size):
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (size,) for part in parts} | {f"{name}.num_batches_tracked": ()}


def official_encoder(name, num_outputs, has_weights):
    """Shapes of a residual encoder; only batch normalisation has weights."""
    shapes = convolution(f"{name}.conv1", 64, 3, 7, 7)
    norms = {f"{name}.norm1": 64}
    before = 64
    for layer, size in enumerate((64, 96, 128), start=1):
        for block in range(2):
            place = f"{name}.layer{layer}.{block}"
            shapes |= convolution(f"{place}.conv1", size, before, 3, 3)
            shapes |= convolution(f"{place}.conv2", size, size, 3, 3)
            norms |= {f"{place}.norm1": size, f"{place}.norm2": size}
            if size != before:
                shapes |= convolution(f"{place}.downsample.0", size, before, 1, 1)
                norms |= {f"{place}.norm3": size, f"{place}.downsample.1": size}
            before = size
    shapes |= convolution(f"{name}.conv2", num_outputs, 128, 1, 1)
    if has_weights:
        for place, size in norms.items():
            shapes |= normalisation(place, size)
    return shapes


def official_shapes():
    """Every entry of the official raft-things.pth, from the published network."""
    shapes = official_encoder("fnet", 256, has_weights=False)
    shapes |= official_encoder("cnet", 256, has_weights=True)
    block = "update_block"
    for name, shape in {
        "encoder.convc1": (256, 324, 1, 1),
        "encoder.convc2": (192, 256, 3, 3),
        "encoder.convf1": (128, 2, 7, 7),
        "encoder.convf2": (64, 128, 3, 3),
        "encoder.conv": (126, 256, 3, 3),
        **{f"gru.conv{gate}1": (128, 384, 1, 5) for gate in "zrq"},
        **{f"gru.conv{gate}2": (128, 384, 5, 1) for gate in "zrq"},
        "flow_head.conv1": (256, 128, 3, 3),
        "flow_head.conv2": (2, 256, 3, 3),
        "mask.0": (256, 128, 3, 3),
        "mask.2": (576, 256, 1, 1),
    }.items():
        shapes |= convolution(f"{block}.{name}", *shape)
    return shapes


@pytest.fixture
def things(tmp_path):
    """A made-up file in the layout of the official raft-things.pth."""
    torch.manual_seed(0)
    state = {}
    for name, shape in official_shapes().items():
        if name.endswith("num_batches_tracked"):
            state[name] = torch.tensor(7)
        elif name.endswith("running_var"):
            state[name] = 0.5 + torch.rand(shape)
        else:
            state[name] = torch.randn(shape) / max(1, math.prod(shape[1:])) ** 0.5
    for name in list(state):
        if ".norm3." in name:
            # The same normalisation under its second name.
            state[name.replace("norm3", "downsample.1")] = state[name]
    path = tmp_path / "raft-things.pth"
    torch.save({f"module.{name}": value for name, value in state.items()}, path)
    return path


def test_the_official_layout_of_things_gives_the_same_flow_in_both_libraries(things):
    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 40, 3), dtype=np.uint8)
    flows, records = [], []
    for implementation in ("ptlflow", "torchvision"):
        parameters = RaftParameters(implementation, "things", 1, weights=str(things))
        raft, record = build_raft(parameters, torch.device("cpu"))
        flows.extend(raft.stream(iter(frames), 1))
        records.append(record)

    assert np.abs(flows[0]).max() > 0.1
    np.testing.assert_allclose(flows[0], flows[1], atol=1e-3 * np.abs(flows[0]).max())
    assert records[0] == records[1]
    assert records[0].name == "raft-things.pth"
    assert records[0].sha256 == hashlib.sha256(things.read_bytes()).hexdigest()


@pytest.mark.parametrize("implementation", ["ptlflow", "torchvision"])
def test_a_file_of_things_is_refused_where_small_is_asked_for(things, implementation):
    parameters = RaftParameters(implementation, "small", 1, weights=str(things))

    with pytest.raises(ConfigError, match=r"raft-things\.pth does not fit .* RAFT small"):
        build_raft(parameters, torch.device("cpu"))
