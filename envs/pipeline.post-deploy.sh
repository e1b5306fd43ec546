#!/usr/bin/env bash
# Puts the pins of envs/requirements.txt into the active conda environment. Run from the
# repository's root. --no-deps: the list is complete, and resolving it anew would bring
# ptlflow's opencv-python over opencv-contrib.
set -euo pipefail
uv pip install --python "$CONDA_PREFIX/bin/python" --no-deps -r envs/requirements.txt
