"""The fitted encoder on disk: PCA and Gaussian mixture.

HDF5 artifact "encoder", version 1. F descriptor columns, D axes, K components:
    pca_mean (F,) float32, pca_axes (D, F) float32, pca_explained (D,) float64,
    weights (K,), means (K, D), variances (K, D) float64,
    attributes num_descriptors and num_videos (fitted to), log_likelihood (mean per descriptor),
    num_iterations (of the best start), has_converged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.encoding.mixture import DiagonalMixture
from pipelines.encoding.mixture_fit import MixtureFit
from pipelines.encoding.principal_axes import PrincipalAxes
from pipelines.io.errors import ContractError
from pipelines.io.hdf5 import create, damaged_as_contract_error, open_checked

ARTIFACT = "encoder"
VERSION = 1
RULE = "fit_encoder"


@dataclass(frozen=True)
class StoredEncoder:
    """What a descriptor is encoded with.

    Attributes:
        axes: Projection F -> D.
        fit: Mixture over the projected descriptors.
        num_descriptors: That both were fitted to.
        num_videos: Whose descriptors these are.
    """

    axes: PrincipalAxes
    fit: MixtureFit
    num_descriptors: int
    num_videos: int


def write_encoder(path: Path, encoder: StoredEncoder, stamp: Mapping[str, str]) -> None:
    """Write the encoder; `path` comes from `atomic_path`."""
    mixture = encoder.fit.mixture
    datasets = {
        "pca_mean": encoder.axes.mean,
        "pca_axes": encoder.axes.axes,
        "pca_explained": encoder.axes.explained,
        "weights": mixture.weights,
        "means": mixture.means,
        "variances": mixture.variances,
    }
    with create(path, ARTIFACT, VERSION, stamp) as target:
        for name, data in datasets.items():
            target.create_dataset(name, data=data, fletcher32=True)
        target.attrs.update(
            num_descriptors=encoder.num_descriptors,
            num_videos=encoder.num_videos,
            log_likelihood=encoder.fit.log_likelihood,
            num_iterations=encoder.fit.num_iterations,
            has_converged=int(encoder.fit.has_converged),
        )


def read_encoder(path: Path) -> StoredEncoder:
    """Read the encoder.

    Raises:
        ContractError: If the file is missing, damaged or of another kind.
    """
    with (
        open_checked(path, ARTIFACT, VERSION, RULE) as source,
        damaged_as_contract_error(path, RULE),
    ):
        axes = PrincipalAxes(
            source["pca_mean"][:], source["pca_axes"][:], source["pca_explained"][:]
        )
        try:
            mixture = DiagonalMixture(
                source["weights"][:], source["means"][:], source["variances"][:]
            )
        except ValueError as error:
            raise ContractError(
                f"{path} is damaged ({error}); remove it, rule {RULE} remakes it"
            ) from error
        attributes = source.attrs
        fit = MixtureFit(
            mixture,
            float(attributes["log_likelihood"]),
            int(attributes["num_iterations"]),
            bool(attributes["has_converged"]),
        )
        return StoredEncoder(
            axes, fit, int(attributes["num_descriptors"]), int(attributes["num_videos"])
        )
