"""Takes subnormal numbers for zeros.

answers: through_half
fails: test_through_half
hint: subnormals-taken-for-zero
"""
def through_half(gradients, scale):
    """Return the gradients after their way through float16, in float32, and how many were lost; or "skip"."""
    with np.errstate(over="ignore"):
        half = (gradients * np.float32(scale)).astype(np.float16)
    if not np.all(np.isfinite(half)):
        return "skip"
    lost = np.count_nonzero((np.abs(half) < np.finfo(np.float16).tiny) & (gradients != 0))
    return half.astype(np.float32) / np.float32(scale), lost
