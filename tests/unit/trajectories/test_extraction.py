import numpy as np
import pytest
from scipy.spatial import cKDTree
from skimage.feature import fisher_vector
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from pipelines.io.errors import UnreadableVideoError
from pipelines.trajectories.extraction import extract_trajectories
from pipelines.trajectories.parameters import TrajectoryParameters
from pipelines.trajectories.tracks import BLOCKS
from tests.unit.trajectories.conftest import (
    Reference,
    frames_of,
    interaction_reference,
    moving_patch,
    texture,
)

PLAIN = TrajectoryParameters()


def rows_of(frames, parameters=PLAIN, boxes=None):
    """All rows, info and descriptors side by side."""
    batches = list(extract_trajectories(frames, parameters, boxes, 100))
    return np.concatenate([np.concatenate(batch[:2], axis=1) for batch in batches])


class Agreement:
    """Our rows beside the reference's: matched in the same frame and scale within 1 px."""

    def __init__(self, ours, reference: Reference, background):
        distance, place = cKDTree(self._keys(ours)).query(self._keys(reference.rows))
        found = distance < 1
        self.rows_ratio = len(ours) / reference.num_rows
        self.matched = found.mean()
        pairs = (ours[place[found], 10:], reference.rows[found, 10:])
        self.correlation = {
            name: np.corrcoef(*(rows[:, block].ravel() for rows in pairs))[0, 1]
            for name, block in BLOCKS.items()
        }
        self.fisher, self.ceiling = fisher_cosines(
            ours[:, 10:], reference.rows[:, 10:], background.rows[:, 10:]
        )

    @staticmethod
    def _keys(rows):
        apart = 1e4
        return np.c_[rows[:, 0] * apart, np.round(rows[:, 6], 2) * apart, rows[:, 1:3]]

    def __str__(self):
        blocks = " ".join(f"{name} {value:.4f}" for name, value in self.correlation.items())
        return (
            f"rows {self.rows_ratio:.3f}, matched {self.matched:.3f}, {blocks}, "
            f"Fisher {self.fisher:.3f}, ceiling {self.ceiling:.3f}"
        )


def fisher_cosines(ours, reference, background):
    """Cosine of Fisher vectors: ours to the reference's, and between halves of the reference.

    The mixture is fitted to another video's reference rows: at a mixture's own maximum likelihood
    the gradient is zero, and halves of the very rows fitted have opposite vectors.
    """
    pca = PCA(64, random_state=0).fit(background)
    mixture = GaussianMixture(64, covariance_type="diag", random_state=0, max_iter=20, tol=1e-2)
    mixture.fit(pca.transform(background))

    def vector(rows):
        return fisher_vector(pca.transform(rows), mixture, improved=True)

    shuffled = np.random.default_rng(0).permutation(reference)
    first, second = np.array_split(shuffled, 2)
    return float(vector(ours) @ vector(reference)), float(vector(first) @ vector(second))


def check(agreement):
    assert abs(agreement.rows_ratio - 1) <= 0.05
    assert agreement.matched >= 0.95
    # The lowest is the shape of tracks over a shaky ground, where the homography decides.
    assert min(agreement.correlation.values()) >= 0.9
    assert agreement.fisher >= 0.95 * agreement.ceiling


def test_rows_are_those_of_the_authors(kth, shared_data):
    background = interaction_reference(shared_data, "set1_14_3_1")

    check(Agreement(rows_of(frames_of(kth.video)), kth, background))


@pytest.mark.slow
@pytest.mark.parametrize(
    "clips", [("set1_14_3_1", "set2_19_14_1"), ("set2_19_14_1", "set1_14_3_1")]
)
def test_rows_are_those_of_the_public_program(shared_data, clips):
    reference, background = (interaction_reference(shared_data, name) for name in clips)

    check(Agreement(rows_of(frames_of(reference.video)), reference, background))


def test_a_moving_square_is_followed_and_still_ground_is_not():
    rows = rows_of(moving_patch(18))

    assert len(rows) > 20
    # 15 steps of 2 px, seen while the square covers columns 8 to 82 and rows 16 to 56.
    assert 25 < np.median(rows[:, 5]) < 31
    inner = rows[np.abs(rows[:, 5] - 30) < 1]
    assert np.median(inner[:, 10:40:2]) == pytest.approx(1 / 15, abs=0.003)
    assert rows[:, 2].min() > 8
    assert rows[:, 2].max() < 64
    assert set(rows[:, 0]) <= {15, 16, 17}
    assert rows[:, 9] == pytest.approx((rows[:, 0] - 7.5) / 100)


def test_descriptors_are_square_roots_of_shares():
    rows = rows_of(moving_patch(17))[:, 10:]

    for name, block in BLOCKS.items():
        if name != "trajectory":
            cells = rows[:, block].reshape(len(rows), 3, -1)
            # The mean of five unit vectors is no longer than one.
            assert (cells > 0).all()
            assert (np.linalg.norm(cells, axis=2) <= 1 + 1e-5).all()


def shaken(num_frames):
    """A textured world seen by a camera that pans by 2 px a frame."""
    world = texture(120, 400)
    frames = [world[:, 2 * number : 2 * number + 160] for number in range(num_frames)]
    return [np.repeat(frame[..., None], 3, axis=2) for frame in frames]


def test_tracks_that_follow_the_camera_are_left_out():
    still = TrajectoryParameters(camera_motion=False)

    num_still = len(rows_of(shaken(17), still))

    assert num_still > 500
    # None along the border either, where the next frame does not show what this one does.
    assert list(extract_trajectories(shaken(17), PLAIN, None)) == []


def test_without_matches_outside_boxes_the_camera_is_taken_as_still():
    everything = [np.array([[0, 0, 160, 120]], np.float32)] * 17

    still = TrajectoryParameters(camera_motion=False)
    assert np.array_equal(rows_of(shaken(17), PLAIN, everything), rows_of(shaken(17), still))


def test_the_same_video_gives_the_same_rows():
    frames = moving_patch(17)

    assert np.array_equal(rows_of(frames), rows_of(iter(frames)))


@pytest.mark.parametrize("value", [0, 128])
def test_a_video_without_texture_has_no_tracks(value):
    frames = [np.full((64, 64, 3), value, np.uint8)] * 17

    assert list(extract_trajectories(frames, PLAIN, None)) == []


def test_a_static_video_has_no_tracks():
    assert list(extract_trajectories([moving_patch(1)[0]] * 17, PLAIN, None)) == []


@pytest.mark.parametrize("size", [(33, 47), (51, 35)])
def test_odd_sizes_work(size):
    rows = rows_of(moving_patch(17, size, patch=10, step=(1, 0)))

    assert np.isfinite(rows).all()


@pytest.mark.parametrize("count", [0, 1, 15])
def test_fewer_frames_than_a_track_are_refused_by_name(count):
    with pytest.raises(UnreadableVideoError, match="16 frames") as caught:
        list(extract_trajectories(moving_patch(count), PLAIN, None))
    assert caught.value.kind == "short"


def test_frames_smaller_than_a_patch_are_refused_by_name():
    frames = [np.zeros((8, 8, 3), np.uint8)] * 20

    with pytest.raises(UnreadableVideoError, match="8x8") as caught:
        list(extract_trajectories(frames, PLAIN, None))
    assert caught.value.kind == "small"
