"""Scales what has been rounded already.

answers: through_half
fails: test_through_half
hint: scaled-too-late
"""
def through_half(gradients, scale):
    """Return the gradients after their way through float16, in float32, and how many were lost; or "skip"."""
    with np.errstate(over="ignore"):
        half = gradients.astype(np.float16)
    if not np.all(np.isfinite(half)):
        return "skip"
    lost = np.count_nonzero((half == 0) & (gradients != 0))
    return half.astype(np.float32) * np.float32(scale) / np.float32(scale), lost
