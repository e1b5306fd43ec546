"""Real artifacts against docs/artifacts.md, and what their readers refuse."""

import csv
import json
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from pipelines.clips.clip_dataset import ClipConfig
from pipelines.clips.view_dataset import ViewDataset
from pipelines.clustering.assignment_store import (
    read_assignments,
    read_vector_clusters,
    read_vector_diagnostics,
)
from pipelines.clustering.cluster_store import read_clusters
from pipelines.clustering.features_store import read_features
from pipelines.clustering.pseudolabel_store import PseudoLabels, read_diagnostics
from pipelines.data.action_box_store import read_action_boxes
from pipelines.data.manifest import read_manifest, read_probed, read_problems
from pipelines.data.overlap_store import OVERLAP_SCHEMA
from pipelines.data.source_store import read_source
from pipelines.encoding.encoder_store import read_encoder
from pipelines.encoding.sample_store import read_sample
from pipelines.encoding.vector_store import read_fisher_vectors, read_vectors
from pipelines.evaluation.detection_store import read_detections
from pipelines.evaluation.prediction_store import read_predictions
from pipelines.evaluation.retrieval_store import read_retrieved
from pipelines.figures.figure_store import read_figure_texts
from pipelines.figures.sheet_store import read_sheet
from pipelines.frames.frame_store import FrameStore
from pipelines.frames.index_store import read_frame_index
from pipelines.io.errors import ContractError
from pipelines.io.parquet import read_table
from pipelines.models.weights import load_model
from pipelines.motion.edge_index_store import read_edge_index
from pipelines.motion.edge_store import EdgeStore
from pipelines.motion.flow_image_store import read_description, read_flow_images
from pipelines.motion.flow_store import FlowStore
from pipelines.tables.runs_store import RUNS_SCHEMA, read_row_runs
from pipelines.training.history_store import HISTORY_SCHEMA
from pipelines.trajectories.boxes_store import BoxesTable
from pipelines.trajectories.track_index_store import read_track_index
from pipelines.trajectories.track_store import read_tracks
from tests.contract.document import (
    ROOT,
    DocumentedFile,
    documented_artifacts,
    documented_entries,
    documented_files,
    documented_letters,
    documented_stamp,
)

FILES = documented_files()
TEXT_FORMATS = ("csv", "markdown", "html")
# Attributes that every HDF5 artifact has.
COMMON_ATTRIBUTES = {"artifact", "version", "stamp"}
CSV_TYPES: dict[str, Callable[[str], object]] = {"int": int, "float": float, "text": str}


def of_format(*formats: str) -> list[pytest.param]:
    return [pytest.param(f, id=f"{f.rule}:{f.artifact}") for f in FILES if f.format in formats]


def read_frames(path: Path) -> list[np.ndarray]:
    store = FrameStore([path])
    return [store.read(key, np.arange(count)) for key, count in store.num_frames.items()]


def read_edges(path: Path) -> list[np.ndarray]:
    store = EdgeStore([path])
    frames = {key: np.arange(store.first_frame, n) for key, n in store.num_frames.items()}
    maps = [store.read(key, wanted) for key, wanted in frames.items()]
    return maps + [store.means(key) for key in frames]


def read_flow(path: Path) -> list[np.ndarray]:
    store = FlowStore([path])
    return [store.read(key, np.arange(count)) for key, count in store.num_frames.items()]


READERS: dict[str, Callable[[Path], object]] = {
    "manifest": read_manifest,
    "probed files": read_probed,
    "problems": lambda path: read_problems(path, "a rule"),
    "action boxes": read_action_boxes,
    "source": read_source,
    "overlap": lambda path: read_table(path, OVERLAP_SCHEMA, "a rule"),
    "frames": read_frames,
    "frame index": read_frame_index,
    "flow": read_flow,
    "flow images": lambda path: list(read_flow_images(path)),
    "edges": read_edges,
    "edge index": read_edge_index,
    "boxes": BoxesTable,
    "tracks": lambda path: list(read_tracks(path)),
    "track index": read_track_index,
    "descriptor sample": lambda path: list(read_sample(path)),
    "encoder": read_encoder,
    "vectors": lambda path: (read_vectors(path), read_fisher_vectors(path)),
    "vector clusters": read_vector_clusters,
    "assignments": read_assignments,
    "vector diagnostics": read_vector_diagnostics,
    "features": lambda path: list(read_features(path)),
    "clusters": read_clusters,
    "pseudo-labels": PseudoLabels,
    "diagnostics": read_diagnostics,
    "model": lambda path: load_model(path, "a rule"),
    "history": lambda path: read_table(path, HISTORY_SCHEMA, "a rule"),
    "predictions": read_predictions,
    "retrieved": read_retrieved,
    "detections": read_detections,
    "motion sheet": read_sheet,
    "row runs": read_row_runs,
    "figure": read_figure_texts,
    "runs": lambda path: read_table(path, RUNS_SCHEMA, "a rule"),
}


def made(produced: Path, documented: DocumentedFile) -> Path:
    """The one file that a row of the document describes."""
    files = [path for path in results(produced) if documented.matches(path)]
    assert len(files) == 1, f"{documented.path}: {files}"
    return produced / files[0]


def results(produced: Path) -> list[str]:
    files = (path for path in (produced / "results").rglob("*") if path.is_file())
    names = [path.relative_to(produced).as_posix() for path in files]
    return sorted(name for name in names if "/videos/" not in name)


# --- which files there are ------------------------------------------------------------------------


def test_every_output_of_every_rule_is_documented_and_nothing_else():
    declared = set()
    for path in sorted((ROOT / "rules").glob("*.smk")):
        blocks = re.findall(r"^rule (\w+):\n((?:[ \t].*\n|\n)*)", path.read_text(), re.MULTILINE)
        for rule, body in blocks:
            output = re.search(r"^    output:\n((?:        .*\n)+)", body, re.MULTILINE)
            declared |= {(rule, found) for found in re.findall(r'"(results/[^"]+)"', output[1])}

    assert {(documented.rule, documented.path) for documented in FILES} == declared
    assert len(FILES) == len(declared)


def test_every_file_is_documented_once(produced):
    owners = {name: [f for f in FILES if f.matches(name)] for name in results(produced)}

    assert {name: found for name, found in owners.items() if len(found) != 1} == {}
    assert len(owners) == len(FILES)


def test_every_artifact_has_a_section_and_every_section_an_artifact():
    assert {f.artifact for f in FILES if f.format not in ("markdown", "html")} == set(
        documented_artifacts()
    )


def test_every_artifact_with_a_reader_is_tested_here():
    assert {f.artifact for f in FILES if f.format not in TEXT_FORMATS} == set(READERS)


# --- what is inside -------------------------------------------------------------------------------


@pytest.mark.parametrize("documented", of_format("hdf5"))
def test_hdf5_holds_what_is_documented(produced, documented):
    with h5py.File(made(produced, documented)) as source:
        found = {name: hdf5_type(values.dtype) for name, values in source.items()}
        for name in set(source.attrs) - COMMON_ATTRIBUTES:
            found[f"@{name}"] = attribute_type(source.attrs[name])
        shapes = {name: values.shape for name, values in source.items()}
        identity = (as_text(source.attrs["artifact"]), str(source.attrs["version"]))
        sizes = {letter: int(source.attrs[name]) for letter, name in axis_attributes(source)}
    entries = documented_entries(documented.artifact)

    assert {entry.name: entry.dtype for entry in entries} == found
    assert identity == (documented.artifact, documented.version)
    axes = {entry.name: entry.axes for entry in entries if not entry.name.startswith("@")}
    check_axes(axes, shapes, sizes)


@pytest.mark.parametrize("documented", of_format("parquet"))
def test_parquet_holds_what_is_documented(produced, documented):
    schema = pq.read_schema(made(produced, documented))
    found = [
        (name, arrow_type(kind)) for name, kind in zip(schema.names, schema.types, strict=True)
    ]
    entries = documented_entries(documented.artifact)

    assert [(entry.name, entry.dtype) for entry in entries] == found
    assert {entry.axes for entry in entries} == {"-"}
    assert documented.version == "columns"


@pytest.mark.parametrize("documented", of_format("model"))
def test_models_hold_what_is_documented(produced, documented):
    content = torch.load(made(produced, documented), weights_only=True)
    names = {str: "text", int: "int", float: "float", list: "list", dict: "dict"}
    found = {name: names[type(value)] for name, value in content.items()}
    meta = json.loads(content["meta"])
    found |= {f"meta.{name}": names[type(value)] for name, value in meta.items()}

    entries = documented_entries(documented.artifact)
    assert {entry.name: entry.dtype for entry in entries} == found
    assert (content["artifact"], str(content["version"])) == ("model", documented.version)
    assert {tensor.dtype for tensor in content["state"].values()} == {torch.float32, torch.int64}


@pytest.mark.parametrize("documented", of_format("zip"))
def test_archives_hold_what_is_documented(produced, documented):
    path = made(produced, documented)
    with zipfile.ZipFile(path) as archive:
        found = {
            re.sub(r"^.*(/flow_[xy]_)\d{5,}", r"{video_id}\1{number}", name)
            for name in archive.namelist()
        }
    description = read_description(path)
    entries = {entry.name: entry.meaning for entry in documented_entries(documented.artifact)}

    assert set(entries) == found
    assert entries["flow_images.json"] == ", ".join(description)
    assert str(description["version"]) == documented.version
    assert set(description["stamp"]) == documented_stamp(documented.stamp)


@pytest.mark.parametrize("documented", of_format("png"))
def test_pictures_hold_what_is_documented(produced, documented):
    found = READERS[documented.artifact](made(produced, documented))
    texts = found[1] if isinstance(found, tuple) else found

    assert {entry.name for entry in documented_entries(documented.artifact)} == set(texts)
    assert texts["version"] == documented.version
    assert set(json.loads(texts["stamp"])) == documented_stamp(documented.stamp)


@pytest.mark.parametrize("documented", of_format("svg"))
def test_drawings_hold_title_and_stamp(produced, documented):
    root = ElementTree.parse(made(produced, documented)).getroot()
    found = {element.tag.rpartition("}")[2]: element.text for element in root.iter()}

    assert found["title"]
    assert set(json.loads(found["description"])) == documented_stamp(documented.stamp)


@pytest.mark.parametrize("documented", of_format("csv"))
def test_csv_holds_what_is_documented(produced, documented):
    with made(produced, documented).open(newline="") as handle:
        reader = csv.DictReader(handle)
        rows = list(reader)
    entries = documented_entries(documented.artifact)

    assert reader.fieldnames == [entry.name for entry in entries]
    assert rows
    for row in rows:
        for entry in entries:
            if row[entry.name]:
                CSV_TYPES[entry.dtype](row[entry.name])
            else:
                assert entry.dtype == "text" or row.get("status") != "measured"


@pytest.mark.parametrize("documented", of_format("hdf5", "parquet", "model"))
def test_provenance_has_the_documented_fields(produced, documented):
    stamp = read_stamp(made(produced, documented), documented.format)

    assert set(stamp) == documented_stamp(documented.stamp)
    command = stamp["module"].split(".")[-1]
    # Rule pretrain has one command per objective.
    assert command == documented.rule or command.startswith(f"{documented.rule}_")
    assert all(isinstance(value, str) for value in stamp.values())


def test_text_files_carry_no_version_and_no_stamp():
    assert {(f.version, f.stamp) for f in FILES if f.format in TEXT_FORMATS} == {("-", "-")}


def hdf5_type(kind: np.dtype) -> str:
    return "text" if h5py.check_string_dtype(kind) else str(kind)


def attribute_type(value: object) -> str:
    return "text" if isinstance(value, str | bytes) else str(np.asarray(value).dtype)


def as_text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def axis_attributes(source: h5py.File) -> Iterator[tuple[str, str]]:
    for letter, name in (("H", "height"), ("W", "width")):
        if name in source.attrs:
            yield letter, name


def check_axes(axes: dict[str, str], shapes: dict[str, tuple[int, ...]], sizes: dict[str, int]):
    """Every letter has one size in the whole file."""
    for name, text in axes.items():
        parts = text.split(", ")
        assert len(parts) == len(shapes[name]), f"{name}: {text} but shape {shapes[name]}"
        for part, size in zip(parts, shapes[name], strict=True):
            letter, _, more = part.partition(" + ")
            if letter.isdigit():
                assert int(letter) == size, f"{name}: {text} but shape {shapes[name]}"
                continue
            assert letter in documented_letters()
            size -= int(more or 0)
            assert sizes.setdefault(letter, size) == size, f"{name}: {letter} is {sizes[letter]}"


def arrow_type(kind: pa.DataType) -> str:
    if pa.types.is_map(kind):
        return f"map of {arrow_type(kind.key_type)} to {arrow_type(kind.item_type)}"
    if pa.types.is_list(kind):
        return f"list of {arrow_type(kind.value_type)}"
    return {"string": "text", "double": "float64", "float": "float32"}.get(str(kind), str(kind))


def read_stamp(path: Path, file_format: str) -> dict[str, str]:
    if file_format == "hdf5":
        with h5py.File(path) as source:
            text = as_text(source.attrs["stamp"])
    elif file_format == "parquet":
        text = pq.read_schema(path).metadata[b"stamp"]
    else:
        text = torch.load(path, weights_only=True)["stamp"]
    return json.loads(text)


# --- what readers refuse --------------------------------------------------------------------------


@pytest.fixture
def copied(produced, tmp_path) -> Callable[[DocumentedFile], Path]:
    """Copies an artifact, to be spoiled."""

    def copy(documented: DocumentedFile) -> Path:
        original = made(produced, documented)
        return Path(shutil.copy(original, tmp_path / original.name))

    return copy


def one_per_artifact(*formats: str) -> list[pytest.param]:
    """The first file of each kind: the others have the same format and reader."""
    chosen = {f.artifact: f for f in reversed(FILES) if f.format in formats}
    return [pytest.param(f, id=name) for name, f in sorted(chosen.items())]


READABLE = one_per_artifact("hdf5", "parquet", "model")


@pytest.mark.parametrize("documented", READABLE)
def test_readers_accept_the_undamaged_file(copied, documented):
    READERS[documented.artifact](copied(documented))


@pytest.mark.parametrize("documented", READABLE)
def test_another_version_is_refused(copied, documented):
    path = copied(documented)
    if documented.format == "hdf5":
        with h5py.File(path, "r+") as target:
            target.attrs["version"] = int(documented.version) + 1
    elif documented.format == "model":
        torch.save(torch.load(path, weights_only=True) | {"version": 2}, path)
    else:
        table = pq.read_table(path)
        pq.write_table(table.rename_columns([f"{n}_2" for n in table.column_names]), path)

    with pytest.raises(ContractError, match="expected"):
        READERS[documented.artifact](path)


@pytest.mark.parametrize("documented", one_per_artifact("parquet"))
def test_another_column_type_is_refused(copied, documented):
    path = copied(documented)
    table = pq.read_table(path)
    changed = pa.array([0] * len(table), pa.int8())
    pq.write_table(table.set_column(0, table.column_names[0], changed), path)

    with pytest.raises(ContractError, match="expected"):
        READERS[documented.artifact](path)


@pytest.mark.parametrize("documented", one_per_artifact("hdf5", "model"))
def test_another_kind_is_refused(copied, documented):
    path = copied(documented)
    if documented.format == "hdf5":
        with h5py.File(path, "r+") as target:
            target.attrs["artifact"] = "something else"
    else:
        torch.save(torch.load(path, weights_only=True) | {"artifact": "something else"}, path)

    with pytest.raises(ContractError, match="something else"):
        READERS[documented.artifact](path)


@pytest.mark.parametrize("documented", READABLE)
def test_a_missing_file_is_named(tmp_path, documented):
    with pytest.raises(ContractError, match="absent"):
        READERS[documented.artifact](tmp_path / "absent")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.98])
@pytest.mark.parametrize("documented", READABLE)
def test_a_cut_file_is_noticed(copied, documented, share):
    path = copied(documented)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])

    with pytest.raises(ContractError, match=re.escape(path.name)):
        READERS[documented.artifact](path)


@pytest.mark.parametrize("documented", READABLE)
def test_a_flipped_bit_is_noticed(copied, documented):
    path = copied(documented)
    content = path.read_bytes()
    places = dict(payload(path, documented.format))
    assert places
    unnoticed = []
    for name, place in places.items():
        spoiled = bytearray(content)
        spoiled[place] ^= 0x10
        path.write_bytes(spoiled)
        if not is_refused(documented, path):
            unnoticed.append(name)

    assert unnoticed == []


def is_refused(documented: DocumentedFile, path: Path) -> bool:
    """Whether the reader raises a ContractError that names the file."""
    try:
        READERS[documented.artifact](path)
    except ContractError as error:
        return path.name in str(error)
    return False


def payload(path: Path, file_format: str) -> Iterator[tuple[str, int]]:
    """A byte inside the stored values of each dataset, column or tensor."""
    if file_format == "hdf5":
        with h5py.File(path) as source:
            for name, values in source.items():
                chunk = values.id.get_chunk_info(0)
                yield name, chunk.byte_offset + chunk.size // 2
            yield "@stamp", path.read_bytes().index(as_text(source.attrs["stamp"]).encode()) + 20
    elif file_format == "parquet":
        metadata = pq.ParquetFile(path).metadata
        for group in range(metadata.num_row_groups):
            for number in range(metadata.num_columns):
                column = metadata.row_group(group).column(number)
                start = column.dictionary_page_offset or column.data_page_offset
                yield column.path_in_schema, start + column.total_compressed_size - 1
    else:
        yield "state", path.stat().st_size // 2


@pytest.mark.parametrize("artifact", ["frames", "flow"])
def test_a_missing_id_raises(produced, artifact):
    path = made(produced, next(f for f in FILES if f.artifact == artifact))
    store = FrameStore([path]) if artifact == "frames" else FlowStore([path])

    with pytest.raises(KeyError, match="demo/nobody"):
        store.read("demo/nobody", np.arange(2))
    config = ClipConfig(4, 1, 28, False, (0.0,) * 3, (1.0,) * 3, 8.0)
    stores = (store, None) if artifact == "frames" else (None, store)
    with pytest.raises(KeyError, match="demo/nobody"):
        ViewDataset(["demo/nobody"], *stores, config, num_clips=1)


def test_a_missing_pseudolabel_raises(produced):
    path = made(produced, next(f for f in FILES if f.artifact == "pseudo-labels"))

    with pytest.raises(ContractError, match="demo/nobody"):
        PseudoLabels(path).lookup("demo/nobody", 0, 3)
