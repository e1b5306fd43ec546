from pipelines.trajectories.tracks import BLOCKS, INFO_COLUMNS, NUM_DESCRIPTORS, NUM_INFO


def test_blocks_cover_the_columns_in_order():
    edges = [(block.start, block.stop) for block in BLOCKS.values()]

    assert edges == [(0, 30), (30, 126), (126, 234), (234, 330), (330, 426)]
    assert edges[-1][1] == NUM_DESCRIPTORS
    assert len(INFO_COLUMNS) == NUM_INFO == 10
