"""Multiplies the slope with the temperature.

answers: tail_sigmoid
fails: test_tail_sigmoid
hint: inner-slope-upside-down
"""
class TailSigmoid(torch.autograd.Function):
    """Sigmoid of x / temperature, with a gradient that keeps its tails."""

    @staticmethod
    def forward(ctx, x, temperature):
        ctx.save_for_backward(x)
        ctx.temperature = temperature
        return torch.sigmoid(x / temperature)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        z = x / ctx.temperature
        return gradient * torch.sigmoid(z) * torch.sigmoid(-z) * ctx.temperature, None
