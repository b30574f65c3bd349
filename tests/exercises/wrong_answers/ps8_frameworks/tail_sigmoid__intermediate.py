"""Saves the slope that it has computed in forward.

answers: tail_sigmoid
fails: test_tail_sigmoid
hint: intermediate-saved
"""
class TailSigmoid(torch.autograd.Function):
    """Sigmoid of x / temperature, with a gradient that keeps its tails."""

    @staticmethod
    def forward(ctx, x, temperature):
        ctx.temperature = temperature
        z = x / temperature
        ctx.save_for_backward(torch.sigmoid(z) * torch.sigmoid(-z))
        return torch.sigmoid(z)

    @staticmethod
    def backward(ctx, gradient):
        (slope,) = ctx.saved_tensors
        return gradient * slope / ctx.temperature, None
