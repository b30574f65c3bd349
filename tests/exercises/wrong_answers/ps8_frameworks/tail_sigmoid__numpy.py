"""Leaves PyTorch in backward.

answers: tail_sigmoid
fails: test_tail_sigmoid
hint: intermediate-saved
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
        z = (x / ctx.temperature).detach()
        return gradient * torch.sigmoid(z) * torch.sigmoid(-z) / ctx.temperature, None
