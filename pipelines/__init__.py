"""Raw videos to motion-aware video models, one stage per package.

io < data < frames < motion < clips < models, objectives < clustering < training < evaluation
< tables
"""
