from pipelines.trajectories.parameters import TrajectoryParameters


def test_defaults_are_the_authors():
    assert TrajectoryParameters() == TrajectoryParameters(5, 8, 0.001, True, "orb", 1.0)
