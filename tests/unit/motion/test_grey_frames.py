import numpy as np

from pipelines.motion.grey_frames import grey


def test_luma_is_that_of_bt601():
    frame = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [7, 7, 7]]], dtype=np.uint8)

    # 0.299, 0.587 and 0.114 of 255, rounded.
    assert grey(frame).tolist() == [[76, 150, 29, 7]]
    assert grey(frame).dtype == np.uint8
