"""Keeps the input as an attribute.

answers: tail_sigmoid
fails: test_tail_sigmoid
hint: saved-on-ctx
"""
class TailSigmoid(torch.autograd.Function):
    """Sigmoid of x / temperature, with a gradient that keeps its tails."""

    @staticmethod
    def forward(ctx, x, temperature):
        ctx.x = x
        ctx.temperature = temperature
        return torch.sigmoid(x / temperature)

    @staticmethod
    def backward(ctx, gradient):
        x = ctx.x
        z = x / ctx.temperature
        return gradient * torch.sigmoid(z) * torch.sigmoid(-z) / ctx.temperature, None
