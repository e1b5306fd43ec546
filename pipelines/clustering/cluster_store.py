"""Cluster centres on disk, with everything needed to label units by them.

HDF5 artifact "clusters", version 1:
    centres (K, D) float32,
    attributes granularity (text), percentile (of Equation 4, 0..100), inertia, num_units
    (fitted), num_iterations (done).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.clustering.granularity import UnitsConfig
from pipelines.clustering.kmeans import Clustering
from pipelines.io.hdf5 import (
    create,
    damaged_as_contract_error,
    fixed_length_text,
    open_checked,
    read_text,
)

ARTIFACT = "clusters"
VERSION = 1
RULE = "fit_clusters"


@dataclass(frozen=True)
class StoredClusters:
    """A clustering and how its units were made.

    Attributes:
        clustering: The centres.
        units: How its units were made.
        num_units: Units that the centres were fitted to.
    """

    clustering: Clustering
    units: UnitsConfig
    num_units: int


def write_clusters(path: Path, clusters: StoredClusters, stamp: Mapping[str, str]) -> None:
    """Write the centres; `path` comes from `atomic_path`."""
    with create(path, ARTIFACT, VERSION, stamp) as target:
        target.create_dataset("centres", data=clusters.clustering.centres, fletcher32=True)
        target.attrs["granularity"] = fixed_length_text(clusters.units.granularity)
        target.attrs["percentile"] = clusters.units.percentile
        target.attrs["num_units"] = clusters.num_units
        target.attrs["inertia"] = clusters.clustering.inertia
        target.attrs["num_iterations"] = clusters.clustering.num_iterations


def read_clusters(path: Path) -> StoredClusters:
    """Read the centres.

    Raises:
        ContractError: If the file is missing, damaged or of another kind.
    """
    with (
        open_checked(path, ARTIFACT, VERSION, RULE) as source,
        damaged_as_contract_error(path, RULE),
    ):
        clustering = Clustering(
            np.asarray(source["centres"][:], dtype=np.float32),
            float(source.attrs["inertia"]),
            int(source.attrs["num_iterations"]),
        )
        return StoredClusters(
            clustering,
            UnitsConfig(
                str(read_text(source.attrs["granularity"])), float(source.attrs["percentile"])
            ),
            int(source.attrs["num_units"]),
        )
