"""LSTM and GRU against `torch.nn.LSTM` and `torch.nn.GRU`, outputs and every gradient."""

from collections import Counter

import numpy as np
import pytest

from course_lib.recurrent import GRU, LSTM, GRUCell, LSTMCell, sequence_mask

torch = pytest.importorskip("torch")

LAYERS = [(LSTM, torch.nn.LSTM), (GRU, torch.nn.GRU)]
IDS = ["LSTM", "GRU"]

# Twenty shapes (T, B, I, H), each size 1 somewhere.
SHAPES = [
    (1, 1, 1, 1), (1, 5, 3, 4), (7, 1, 3, 4), (7, 5, 1, 4), (7, 5, 3, 1), (30, 2, 2, 2),
    *map(tuple, np.random.default_rng(20).integers(1, (25, 17, 13, 33), size=(14, 4)).tolist()),
]  # fmt: skip


def relative_error(ours, theirs):
    """Largest error relative to the largest number of the array."""
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape
    return abs(ours - theirs).max(initial=0) / max(abs(theirs).max(initial=0), np.finfo(np.float64).tiny)


def states(layer, rng, batch, hidden):
    """A random state for us, the same for PyTorch with gradients asked for, and random gradients of it."""
    ours = rng.normal(size=(2 if layer is LSTM else 1, batch, hidden))
    theirs = [torch.tensor(part[None], requires_grad=True) for part in ours]
    gradients = rng.normal(size=ours.shape)
    if layer is LSTM:
        return tuple(ours), tuple(theirs), tuple(gradients)
    return ours[0], theirs[0], gradients[0]


def parts(state):
    return list(state) if isinstance(state, tuple) else [state]


@pytest.mark.parametrize(("layer", "peer"), LAYERS, ids=IDS)
@pytest.mark.parametrize("masked", [False, True], ids=["full", "packed"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_outputs_and_every_gradient_equal_pytorchs(layer, peer, shape, masked):
    T, B, inputs, H = shape
    rng = np.random.default_rng(shape)
    theirs = peer(inputs, H).double()
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.copy_(torch.tensor(rng.normal(size=tuple(parameter.shape))))
    ours = layer(inputs, H)
    ours.load_state_dict({name: array.numpy() for name, array in theirs.state_dict().items()})
    x, dy = rng.normal(size=(T, B, inputs)), rng.normal(size=(T, B, H))
    start, start_torch, dend = states(layer, rng, B, H)
    lengths = rng.integers(1, T + 1, B)

    x_torch = torch.tensor(x, requires_grad=True)
    if masked:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x_torch, torch.tensor(lengths), enforce_sorted=False)
        y_packed, end_torch = theirs(packed, start_torch)
        y_torch, _ = torch.nn.utils.rnn.pad_packed_sequence(y_packed, total_length=T)
    else:
        y_torch, end_torch = theirs(x_torch, start_torch)
    loss = (y_torch * torch.tensor(dy)).sum()
    for part, gradient in zip(parts(end_torch), parts(dend), strict=True):
        loss = loss + (part[0] * torch.tensor(gradient)).sum()
    loss.backward()

    y, end = ours.forward(x, start, mask=sequence_mask(lengths, T) if masked else None)
    dx = ours.backward(dy, dend)
    errors = {"y": relative_error(y, y_torch), "dx": relative_error(dx, x_torch.grad)}
    for k, (part, peer_part) in enumerate(zip(parts(end), parts(end_torch), strict=True)):
        errors[f"state {k}"] = relative_error(part, peer_part[0])
    for k, (part, peer_part) in enumerate(zip(parts(ours.initial_state_gradient), parts(start_torch), strict=True)):
        errors[f"initial state gradient {k}"] = relative_error(part, peer_part.grad[0])
    for name, parameter in theirs.named_parameters():
        errors[name] = relative_error(ours.gradients()[name], parameter.grad)
    assert max(errors.values()) < 1e-12, errors
    assert len(errors) == (10 if layer is LSTM else 8)


@pytest.mark.parametrize(("layer", "peer"), LAYERS, ids=IDS)
def test_float32_gradients_lose_a_few_roundings_and_at_most_six_times_what_pytorchs_lose(layer, peer):
    """Root mean squares over ten networks, both against our float64, which the test above holds to PyTorch's.

    We sum over all steps and sequences in one product of matrices. PyTorch's GRU sums over a step's sequences first,
    which loses a fourth of that on the input biases.
    """
    losses = []  # of ten networks, for each array of gradients: ours and PyTorch's
    for seed in range(10):
        rng = np.random.default_rng(seed)
        torch.manual_seed(seed)
        theirs, narrow, wide = peer(8, 32), layer(8, 32, dtype=np.float32), layer(8, 32)
        for ours in (narrow, wide):
            ours.load_state_dict({name: array.numpy() for name, array in theirs.state_dict().items()})
        x, dy = (rng.normal(size=(40, 16, n)).astype(np.float32) for n in (8, 32))
        x_torch = torch.tensor(x, requires_grad=True)
        theirs(x_torch)[0].backward(torch.tensor(dy))
        exact = {"x": (wide.forward(x), wide.backward(dy))[1], **wide.gradients()}
        got = {"x": (narrow.forward(x), narrow.backward(dy))[1], **narrow.gradients()}
        peers = {"x": x_torch.grad.numpy(), **{name: p.grad.numpy() for name, p in theirs.named_parameters()}}
        losses.append(
            [
                [np.mean((arrays[name] - right) ** 2) / np.mean(right**2) for arrays in (got, peers)]
                for name, right in exact.items()
            ]
        )
    loss = dict(zip(exact, np.sqrt(np.mean(losses, axis=0)), strict=True))
    assert len(loss) == 5
    assert all(ours < 6 * min(other, np.finfo(np.float32).eps) for ours, other in loss.values()), loss


@pytest.mark.parametrize(
    ("cell", "peer"), [(LSTMCell, torch.nn.LSTMCell), (GRUCell, torch.nn.GRUCell)], ids=["LSTM", "GRU"]
)
def test_cells_are_pytorchs_cells(cell, peer):
    rng = np.random.default_rng(1)
    theirs, ours = peer(3, 5).double(), cell(3, 5)
    ours.load_state_dict({f"{name}_l0": array.numpy() for name, array in theirs.state_dict().items()})
    x = rng.normal(size=(4, 3))
    layer = LSTM if cell is LSTMCell else GRU
    start, start_torch, dend = states(layer, rng, 4, 5)
    x_torch = torch.tensor(x, requires_grad=True)
    end_torch = theirs(x_torch, tuple(p[0] for p in start_torch) if layer is LSTM else start_torch[0])
    end = ours.forward(x, start)
    loss = sum(
        (part * torch.tensor(gradient)).sum() for part, gradient in zip(parts(end_torch), parts(dend), strict=True)
    )
    loss.backward()
    dx, dstart = ours.backward(dend)
    assert relative_error(dx, x_torch.grad) < 1e-13
    for part, peer_part in zip(parts(end), parts(end_torch), strict=True):
        assert relative_error(part, peer_part) < 1e-14
    for part, peer_part in zip(parts(dstart), parts(start_torch), strict=True):
        assert relative_error(part, peer_part.grad[0]) < 1e-13
    for name, parameter in theirs.named_parameters():
        assert relative_error(ours.gradients()[f"{name}_l0"], parameter.grad) < 1e-13


@pytest.mark.parametrize(("layer", "peer"), LAYERS, ids=IDS)
def test_initial_parameters_have_pytorchs_names_shapes_and_bounds(layer, peer):
    ours, theirs = layer(3, 50, seed=0).state_dict(), peer(3, 50).state_dict()
    assert list(ours) == list(theirs)
    for name, array in ours.items():
        assert array.shape == tuple(theirs[name].shape)
    # Both uniform with the same bound: the maxima agree to a few parts in ten thousand.
    bounds = [max(abs(np.asarray(a)).max() for a in state.values()) for state in (ours, theirs)]
    assert bounds[0] == pytest.approx(bounds[1], rel=2e-3)
    assert Counter(array.dtype for array in ours.values()) == {np.dtype(np.float64): 4}
