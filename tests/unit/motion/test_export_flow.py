import json

import numpy as np
import pytest

from pipelines.io.errors import ConfigError, ContractError
from pipelines.motion.export_flow import build_parser, main
from pipelines.motion.flow_image_store import read_description, read_flow_images
from pipelines.motion.flow_store import write_flow_shard

SIZE = (16, 20)
CONFIG = {"bound_px": 20.0, "format": "png", "jpeg_quality": 95}


def arguments(folder, config):
    files = ("--flow", str(folder / "flow.h5"), "--out", str(folder / "images.zip"))
    return build_parser().parse_args(["--config", json.dumps(config), *files])


@pytest.fixture
def flow(tmp_path):
    # 20 fields cross a block of 16; one video has none.
    flow = np.random.default_rng(0).normal(0, 4, (23, 2, *SIZE)).astype(np.float32)
    videos = [("a", 10.0, flow[:20]), ("one frame", 10.0, []), ("b", 10.0, flow[20:])]
    write_flow_shard(tmp_path / "flow.h5", videos, SIZE, 127.0, "tvl1-opencv", {})
    return flow


def test_every_field_is_exported_in_order(tmp_path, flow):
    main(arguments(tmp_path, CONFIG))

    found = list(read_flow_images(tmp_path / "images.zip"))
    expected = [("a", n) for n in range(1, 21)] + [("b", n) for n in (1, 2, 3)]
    assert [(video_id, number) for video_id, number, _ in found] == expected
    for (_, _, field), wanted in zip(found, flow, strict=True):
        assert np.abs(field - wanted).max() <= 20 / 255 + 1 / 64
    assert read_description(tmp_path / "images.zip")["source"] == "tvl1-opencv"


def test_wrong_config_and_a_missing_shard_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="bound_px"):
        main(arguments(tmp_path, {**CONFIG, "bound_px": "20"}))
    with pytest.raises(ContractError, match="extract_flow"):
        main(arguments(tmp_path, CONFIG))
    assert not (tmp_path / "images.zip").exists()
