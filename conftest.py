"""Keeps doctests from importing modules whose framework is not installed."""

import os
from importlib.util import find_spec

# Keras takes TensorFlow unless told otherwise, which loads slowest and may be the one that is missing.
BACKENDS = [name for name in ("torch", "jax", "tensorflow") if find_spec(name)]
if BACKENDS:
    os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])

collect_ignore = []
if not find_spec("torch"):
    collect_ignore.append("course_lib/frameworks/torch.py")
if not find_spec("keras") or not BACKENDS:
    collect_ignore.append("course_lib/frameworks/keras.py")
