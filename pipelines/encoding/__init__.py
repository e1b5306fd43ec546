"""From trajectories to one vector per video: PCA, Gaussian mixture, Fisher vector, count sketch."""
