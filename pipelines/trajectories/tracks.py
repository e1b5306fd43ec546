"""What a trajectory is on the outside: its columns, and batches of them.

Conventions
-----------
- A track has `LENGTH` steps and so `LENGTH` + 1 points, one per frame.
- Info columns, one per name in `INFO_COLUMNS`. Lengths are px of the frame that was given to
  the extraction; x is rightward, y downward, from the centre of the top left pixel.
- Descriptor columns, in this order:

  - ``TRAJECTORY`` 30: x and y of every step without the camera's motion, in temporal order,
    divided by the sum of the steps' lengths;
  - ``HOG`` 96, ``HOF`` 108, ``MBH_X`` 96, ``MBH_Y`` 96: histograms of 3 temporal x 2 horizontal
    x 2 vertical cells, temporal slowest, vertical fastest, with 8 orientations each (9 for HOF,
    the last one counts pixels without motion).

Reference: Wang, Klaeser, Schmid and Liu, IJCV 2013; Wang and Schmid, ICCV 2013.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

LENGTH = 15

INFO_COLUMNS = (
    "last_frame",
    "mean_x",
    "mean_y",
    "std_x",
    "std_y",
    "length",
    "scale",
    "relative_x",
    "relative_y",
    "relative_time",
)
"""Columns of ``info``.

last_frame: number of the track's last frame, from 0. mean, std: of the track's points.
length: sum of the steps. scale: px per px of the level that it was tracked at. relative_x and
relative_y: mean divided by width and height, in [0, 0.999]. relative_time: the middle frame
divided by the number of frames, NaN where that was not known.
"""

NUM_INFO = len(INFO_COLUMNS)

TRAJECTORY = slice(0, 30)
HOG = slice(30, 126)
HOF = slice(126, 234)
MBH_X = slice(234, 330)
MBH_Y = slice(330, 426)
NUM_DESCRIPTORS = 426

BLOCKS = {"trajectory": TRAJECTORY, "hog": HOG, "hof": HOF, "mbh_x": MBH_X, "mbh_y": MBH_Y}


class TrackBatch(NamedTuple):
    """Tracks of one video that ended in the same frame.

    Attributes:
        info: Shape ``(N, 10)``, see `INFO_COLUMNS`.
        descriptors: Shape ``(N, 426)``, see the module's conventions.
        points: Shape ``(N, 16, 2)``, x and y in px of the frame, with the camera's motion; not
            stored, so None where the tracks were read from a file.
    """

    info: FloatArray
    descriptors: FloatArray
    points: FloatArray | None = None
