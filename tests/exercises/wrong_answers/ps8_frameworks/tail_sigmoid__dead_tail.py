"""Computes the slope from the value.

answers: tail_sigmoid
fails: test_tail_sigmoid
hint: dead-tail
"""
class TailSigmoid(torch.autograd.Function):
    """Sigmoid of x / temperature, with a gradient that keeps its tails."""

    @staticmethod
    def forward(ctx, x, temperature):
        ctx.temperature = temperature
        s = torch.sigmoid(x / temperature)
        ctx.save_for_backward(s)
        return s

    @staticmethod
    def backward(ctx, gradient):
        (s,) = ctx.saved_tensors
        return gradient * s * (1 - s) / ctx.temperature, None
