"""Registers buffers, which no optimiser changes.

answers: learnable_sigmoid
fails: test_learnable_sigmoid
hint: buffer-not-parameter
"""
class LearnableSigmoid(torch.nn.Module):
    """Sigmoid with a slope and a shift to be learnt."""

    def __init__(self, num_features=None, slope=1.0, shift=0.0):
        super().__init__()
        shape = () if num_features is None else (num_features,)
        self.register_buffer("slope", torch.full(shape, float(slope)))
        self.register_buffer("shift", torch.full(shape, float(shift)))

    def forward(self, x):
        """Return a tensor of the shape of x."""
        return torch.sigmoid(self.slope * (x - self.shift))
