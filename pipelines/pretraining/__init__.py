"""Self-supervised recipes: each learns a backbone from unlabelled videos by one objective."""
