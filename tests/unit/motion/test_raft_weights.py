import hashlib
import re

import pytest
import torch

from pipelines.io.errors import ConfigError
from pipelines.motion import raft_weights
from pipelines.motion.raft_networks import build_network
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
