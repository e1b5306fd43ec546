"""Motion between stored frames: optical flow, quantised into HDF5 shards."""
