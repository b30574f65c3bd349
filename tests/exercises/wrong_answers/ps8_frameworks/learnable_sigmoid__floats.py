"""Keeps two numbers of Python.

answers: learnable_sigmoid
fails: test_learnable_sigmoid
hint: not-a-parameter
"""
class LearnableSigmoid(torch.nn.Module):
    """Sigmoid with a slope and a shift to be learnt."""

    def __init__(self, num_features=None, slope=1.0, shift=0.0):
        super().__init__()
        shape = () if num_features is None else (num_features,)
        self.slope = slope
        self.shift = shift

    def forward(self, x):
        """Return a tensor of the shape of x."""
        return torch.sigmoid(self.slope * (x - self.shift))
