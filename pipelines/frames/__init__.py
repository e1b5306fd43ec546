"""Videos decoded once: resized frames, packed as JPEG into HDF5 shards."""
