r"""A learnable sigmoid for PyTorch, with a gradient that does not vanish before it has to.

PyTorch computes the slope of the sigmoid from the value, as ``s * (1 - s)``. Where the value has rounded to 1, which
in float32 is from ``x = 16.6`` on, that is 0, although the true slope, about ``exp(-x)``, is far from the smallest
number that a float32 can hold. Here the slope comes from `x`, as :math:`\sigma(x)\,\sigma(-x)`.
"""

from __future__ import annotations

import math
from typing import Any

try:
    import torch
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ModuleNotFoundError(
        'course_lib.frameworks.torch needs PyTorch: pip install "sigmoid-course[frameworks]"',
        name="torch",
    ) from error

from torch import Tensor, nn

__all__ = ["AdaptiveSigmoid", "sigmoid"]


class AdaptiveSigmoid(nn.Module):  # type: ignore[misc]  # read without PyTorch's types, which may not be there
    r"""Sigmoid with a learnable slope and a learnable shift: :math:`\sigma(\text{slope} \cdot (x - \text{shift}))`.

    Parameters
    ----------
    num_features : int, optional
        Size of the last dimension of the input; each of its entries then has a slope and a shift of its own. Without
        it, one slope and one shift serve all.
    slope : float, default=1.0
        What each slope is at first. 0 makes the output 1/2 and leaves the shift without a gradient.
    shift : float, default=0.0
        What each shift is at first: the input at which the output is 1/2.
    device : torch.device or str, optional
        Where the parameters are made.
    dtype : torch.dtype, optional
        Floating type of the parameters; PyTorch's default unless given.

    Attributes
    ----------
    slope, shift : torch.nn.Parameter, shape () or (num_features,)
        What is learnt.

    Raises
    ------
    ValueError
        `num_features` is below 1; `slope` or `shift` is not finite; on a call, the input's last dimension is not
        `num_features`.
    TypeError
        `num_features` is not an integer, or `dtype` not a real floating type; on a call, the input is complex.

    Notes
    -----
    The output has the dtype of the input, and the parameters' for integers. What happens between is at least float32
    and at least as wide as input and parameters, also under `torch.autocast`: half precision is rounded once, at the
    end. Of the graph only the input, the parameters and the sigmoid's argument are kept.

    Examples
    --------
    >>> layer = AdaptiveSigmoid(3, shift=2.0)
    >>> layer
    AdaptiveSigmoid(num_features=3, slope=1.0, shift=2.0)
    >>> layer(torch.tensor([2.0, -1000.0, 1000.0])).tolist()
    [0.5, 0.0, 1.0]

    The gradient far out, where that of `torch.sigmoid` is 0:

    >>> x = torch.tensor([40.0], requires_grad=True)
    >>> torch.autograd.grad(torch.sigmoid(x), x)[0].item()
    0.0
    >>> f"{torch.autograd.grad(AdaptiveSigmoid()(x), x)[0].item():.3e}"
    '4.248e-18'
    """

    def __init__(
        self,
        num_features: int | None = None,
        slope: float = 1.0,
        shift: float = 0.0,
        *,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if num_features is not None:
            if isinstance(num_features, bool) or not isinstance(num_features, int):
                raise TypeError(f"AdaptiveSigmoid: num_features must be an integer or None, not {num_features!r}")
            if num_features < 1:
                raise ValueError(f"AdaptiveSigmoid: num_features is {num_features}, but must be at least 1")
        for name, value in (("slope", slope), ("shift", shift)):
            if not math.isfinite(value):
                raise ValueError(f"AdaptiveSigmoid: {name} must be finite, not {value!r}")
        if dtype is not None and not dtype.is_floating_point:
            raise TypeError(f"AdaptiveSigmoid: dtype must be a real floating type, not {dtype}")
        self.num_features = num_features
        self.initial_slope, self.initial_shift = float(slope), float(shift)
        shape = () if num_features is None else (num_features,)
        self.slope = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.shift = nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set slope and shift back to what they were at first."""
        nn.init.constant_(self.slope, self.initial_slope)
        nn.init.constant_(self.shift, self.initial_shift)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sigmoid of `x`.

        Parameters
        ----------
        x : Tensor, any shape, or (..., num_features)

        Returns
        -------
        Tensor
            Of the shape of `x`, in [0, 1].
        """
        if self.num_features is not None and (not x.ndim or x.shape[-1] != self.num_features):
            raise ValueError(
                f"AdaptiveSigmoid: the input has shape {tuple(x.shape)}, but its last dimension must be "
                f"num_features = {self.num_features}; move the features there, with x.movedim"
            )
        if x.is_complex():
            raise TypeError(f"AdaptiveSigmoid: the input must be real, not {x.dtype}")
        work = torch.promote_types(torch.promote_types(x.dtype, self.slope.dtype), torch.float32)
        z = self.slope.to(work) * (x.to(work) - self.shift.to(work))
        return sigmoid(z).to(x.dtype if x.is_floating_point() else self.slope.dtype)

    def extra_repr(self) -> str:
        """Say how it was made, as PyTorch's modules do."""
        features = "" if self.num_features is None else f"num_features={self.num_features}, "
        return f"{features}slope={self.initial_slope}, shift={self.initial_shift}"


def sigmoid(x: Tensor) -> Tensor:
    r"""Sigmoid whose gradients, of every order, keep their digits in both tails.

    Parameters
    ----------
    x : Tensor of float16, bfloat16, float32 or float64, any shape
        Logits.

    Returns
    -------
    Tensor
        Of the shape and dtype of `x`; the value is that of `torch.sigmoid`.

    Notes
    -----
    The slope is :math:`\sigma(x)\,\sigma(-x)`, a product of two values none of which has lost a digit, and so are the
    larger terms of its own slopes. For backward, `x` is stored, as `torch.sigmoid` stores its value. What is missed:
    numbers so small that the dtype holds them with fewer digits (subnormal ones), since `torch.sigmoid` is 0 there. In
    float32 that is the value below -88.7 and the slope beyond 88.7 on either side, in float64 709.8.

    Works under `torch.compile`, `torch.func` (`vmap`, `grad`, `jvp`, `hessian`) and autocast.

    Examples
    --------
    >>> x = torch.tensor([-700.0, 0.0, 700.0], dtype=torch.float64, requires_grad=True)
    >>> torch.autograd.grad(torch.sigmoid(x).sum(), x)[0]
    tensor([9.8597e-305,  2.5000e-01,  0.0000e+00], dtype=torch.float64)
    >>> torch.autograd.grad(sigmoid(x).sum(), x)[0]
    tensor([9.8597e-305,  2.5000e-01, 9.8597e-305], dtype=torch.float64)
    """
    if torch.compiler.is_compiling():
        return _formula(x)
    value: Tensor = _Sigmoid.apply(x)
    return value


class _Sigmoid(torch.autograd.Function):  # type: ignore[misc]
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return torch.sigmoid(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient * torch.sigmoid(x) * torch.sigmoid(-x)

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return tangent * torch.sigmoid(x) * torch.sigmoid(-x)


def _formula(x: Tensor) -> Tensor:
    """Sigmoid that the compiler can differentiate itself: it refuses a Function with a `jvp`.

    Its derivatives have the same tails. Run step by step, it would store 3.5 times as much, and take longer.
    """
    z = x.to(torch.promote_types(x.dtype, torch.float32))
    # Not -abs(z), whose derivative at 0 is 0 and not -1: then the slope at 0 would be 0, too.
    e = torch.exp(torch.where(z >= 0, -z, z))
    return (torch.where(z >= 0, 1.0, e) / (1 + e)).to(x.dtype)
