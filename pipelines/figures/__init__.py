"""Pictures to look at: what the motion stages see and make of a video."""
