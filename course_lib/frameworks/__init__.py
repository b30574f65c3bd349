"""The sigmoid as a part of three frameworks: a scikit-learn transformer, a PyTorch module and a Keras layer.

Each submodule imports its own framework, so that importing this package imports none of them:
``course_lib.frameworks.sklearn`` needs only what the course needs anyway, ``course_lib.frameworks.torch`` PyTorch, and
``course_lib.frameworks.keras`` Keras 3 with any of its backends. Where one is missing, the import fails with a message
that says what to install.
"""
