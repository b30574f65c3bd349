"""Keeps doctests from importing modules whose framework is not installed, or takes too long to load."""

import os
from importlib.util import find_spec

# Keras takes TensorFlow unless told otherwise, which loads slowest and may be the one that is missing.
BACKENDS = [name for name in ("torch", "jax", "tensorflow") if find_spec(name)]
if BACKENDS:
    os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])

# Keras takes every process seconds: tests/course_lib/test_frameworks_keras.py runs these examples, on each backend.
collect_ignore = ["course_lib/frameworks/keras.py"]
if not find_spec("torch"):
    collect_ignore.append("course_lib/frameworks/torch.py")
