"""The house style of the course's figures, and the few helpers that every chapter draws with.

One picture serves a light page, a dark page and a phone. Figures are drawn in dark ink on a transparent ground. On a
dark page the book's stylesheet (book/_static/course.css) turns lightness over with ``invert(1) hue-rotate(180deg)``,
which keeps hues, so each colour here is chosen to be legible as it is *and* turned over
(tests/course_lib/test_plotting.py computes both contrasts). Colours stay apart in each kind of colour blindness;
the line pattern changes with the colour, so neither is needed alone.

In a notebook a figure is stored as a PNG at twice its size, sharp on a phone, and its plain text is the data that was
drawn (:func:`describe`). nbval compares text and not pixels, so a figure is checked by the data behind it.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from course_lib.calibration import ReliabilityCurve

__all__ = [
    "INK",
    "MUTED",
    "PALETTE",
    "Table",
    "curve_axes",
    "describe",
    "error_scale",
    "error_strips",
    "level",
    "mark",
    "name_curve",
    "panels",
    "reliability_diagram",
    "style",
]

INK = "#1f2328"
MUTED = "#5f6773"
PALETTE = {"blue": "#005fa3", "orange": "#c64f00", "green": "#2b7d3a", "purple": "#a8477f"}

_WIDTH = 6.4  # inches; 640 CSS pixels at 100 dpi, the widest that the stylesheet shows a figure
_ROUNDED, _LOST = 0.5, 2.0**53  # errors in ulp: of a correctly rounded float64, and of one without a right digit
_DASHES: list[Any] = ["-", (0, (5, 2)), (0, (7, 2, 1.5, 2)), (0, (1.5, 1.5))]
_MARKERS = ("o", "s", "D", "^")


def style() -> None:
    """Switch matplotlib, and the notebook it runs in, to the house style.

    Call it once, in a chapter's first code cell. Outside IPython only matplotlib's settings change.

    Examples
    --------
    >>> with mpl.rc_context():
    ...     style()
    ...     mpl.rcParams["figure.facecolor"]
    'none'
    """
    mpl.rcParams.update(
        {
            "figure.figsize": (_WIDTH, 3.4),
            "figure.dpi": 100,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "none",
            "savefig.facecolor": "none",
            "axes.facecolor": "none",
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "axes.linewidth": 0.8,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=list(PALETTE.values())) + cycler(linestyle=_DASHES),
            "axes.titlesize": 11.5,
            "axes.titlelocation": "left",
            "axes.titlecolor": INK,
            "axes.unicode_minus": True,
            "font.size": 11.5,
            "legend.frameon": False,
            "lines.linewidth": 2.2,
            "lines.markersize": 6,
            "lines.solid_capstyle": "round",
            "text.color": INK,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
        }
    )
    shell = _ipython_shell()
    if shell is not None:
        _set_up_notebook(shell)


def curve_axes(
    xlim: tuple[float, float] = (-8, 8),
    ylim: tuple[float, float] = (-0.05, 1.05),
    xlabel: str = "$x$",
    ylabel: str = r"$\sigma(x)$",
    *,
    height: float = 3.4,
) -> tuple[Figure, Axes]:
    """Make the axes on which the course draws its curves.

    Parameters
    ----------
    xlim, ylim : pair of float
        Ends of the axes, in data units.
    xlabel, ylabel : str
        What the axes show.
    height : float
        Height in inches; every figure is 6.4 inches wide.

    Returns
    -------
    fig : Figure
    ax : Axes

    Examples
    --------
    >>> fig, ax = curve_axes((0, 1), (-6, 6), "$p$", "logit")
    >>> ax.get_ylabel()
    'logit'
    >>> plt.close(fig)
    """
    fig, ax = plt.subplots(figsize=(_WIDTH, height))
    ax.set(xlim=xlim, ylim=ylim, xlabel=xlabel, ylabel=ylabel)
    return fig, ax


def panels(
    n: int = 2, *, height: float = 3.0, sharex: bool = False, sharey: bool = False
) -> tuple[Figure, NDArray[np.object_]]:
    """Make `n` axes side by side; more than two are too small to read on a phone.

    Parameters
    ----------
    n : int
        Number of panels, 1 or 2.
    height : float
        Height in inches.
    sharex, sharey : bool
        Whether panels share an axis.

    Returns
    -------
    fig : Figure
    axes : array of Axes, shape (n,)

    Raises
    ------
    ValueError
        `n` is neither 1 nor 2.

    Examples
    --------
    >>> fig, axes = panels(2)
    >>> axes.shape
    (2,)
    >>> plt.close(fig)
    """
    if n not in (1, 2):
        raise ValueError(f"a figure has one panel or two, not {n}: a third is unreadable on a phone")
    fig, axes = plt.subplots(1, n, figsize=(_WIDTH, height), sharex=sharex, sharey=sharey, squeeze=False)
    return fig, axes[0]


def name_curve(line: Line2D, x: float, text: str, *, dx: float = 0, dy: float = 8, ha: str = "center") -> None:
    """Write a curve's name beside it, in its colour; readers need no legend.

    Parameters
    ----------
    line : Line2D
        The curve, as ``ax.plot`` returned it.
    x : float
        Where along the curve the name goes, in data units.
    text : str
        The name.
    dx, dy : float
        Distance of the text from the curve, in points.
    ha : str
        Which side of the text is at that place: "left", "center" or "right".

    Examples
    --------
    >>> fig, ax = curve_axes()
    >>> (line,) = ax.plot([-8, 8], [0, 1])
    >>> name_curve(line, 0, "a straight line")
    >>> ax.texts[0].xy
    (0.0, 0.5)
    >>> plt.close(fig)
    """
    xs, ys = (np.asarray(values, dtype=float) for values in line.get_data())
    order = np.argsort(xs)
    at = (float(x), float(np.interp(x, xs[order], ys[order])))
    axes = line.axes
    if not isinstance(axes, Axes):
        raise ValueError("the line is on no axes")
    axes.annotate(
        text,
        at,
        xytext=(dx, dy),
        textcoords="offset points",
        color=line.get_color(),
        ha=ha,
        va="center",
    )


def mark(ax: Axes, x: float, y: float, text: str, *, dx: float = 8, dy: float = -8, ha: str = "left") -> None:
    """Put a dot on a point worth seeing and say what it is.

    Parameters
    ----------
    ax : Axes
    x, y : float
        The point, in data units.
    text : str
        What it is.
    dx, dy : float
        Distance of the text from the point, in points.
    ha : str
        Which side of the text is at that place: "left", "center" or "right".

    Examples
    --------
    >>> fig, ax = curve_axes()
    >>> mark(ax, 0, 0.5, "half way")
    >>> ax.texts[0].get_text()
    'half way'
    >>> plt.close(fig)
    """
    ax.plot([x], [y], linestyle="none", marker="o", color=INK, zorder=5)
    ax.annotate(text, (x, y), xytext=(dx, dy), textcoords="offset points", ha=ha, va="center")


def level(ax: Axes, *, x: float | None = None, y: float | None = None) -> None:
    """Draw a thin grey line at height `y`, or at position `x`, for the eye to measure against.

    Examples
    --------
    >>> fig, ax = curve_axes()
    >>> level(ax, y=1)
    >>> len(ax.lines)
    1
    >>> plt.close(fig)
    """
    thin: dict[str, Any] = {"color": MUTED, "linewidth": 0.8, "linestyle": (0, (3, 3)), "zorder": 0}
    if y is not None:
        ax.axhline(y, **thin)
    if x is not None:
        ax.axvline(x, **thin)


def error_scale(ax: Axes) -> None:
    """Make the vertical axis one of errors in ulp, from less than rounding to every digit wrong.

    Two thin lines say what is between: half an ulp, which rounding the exact value costs, and 2**53 ulp, where a
    float64 has lost all its digits.

    Examples
    --------
    >>> fig, ax = curve_axes()
    >>> error_scale(ax)
    >>> ax.get_yscale(), len(ax.lines)
    ('log', 2)
    >>> plt.close(fig)
    """
    ax.set(yscale="log", ylim=(0.05, 1e18), ylabel="error in ulp")
    ax.set_yticks([1, 1e5, 1e10, 1e15])
    ax.minorticks_off()
    level(ax, y=_ROUNDED)
    level(ax, y=_LOST)


def error_strips(
    x: ArrayLike, errors: Mapping[str, ArrayLike], knots: Sequence[float], *, xlabel: str = "$x$"
) -> tuple[Figure, Axes]:
    """Compare the errors of several forms of one function, a strip for each, one above the other.

    The height of a strip is the logarithm of the error: nothing at half an ulp, full height from 2**53 ulp on, where a
    float64 has lost all its digits, and at inf and nan. The largest error stands at the right end.

    Parameters
    ----------
    x : array_like, shape (n,)
        Points, in ascending order.
    errors : mapping of str to array_like, shape (n,)
        Errors in ulp at these points, by the name of the form; drawn from top to bottom.
    knots : sequence of float
        The horizontal axis is cut at these places, in ascending order. It runs from the first to the last, and the
        stretches between are drawn equally wide, so that a short one can be seen beside a long one.
    xlabel : str
        What the horizontal axis shows.

    Returns
    -------
    fig : Figure
    ax : Axes

    Raises
    ------
    ValueError
        `knots` do not ascend, or the errors of a form are not one for each point.

    Examples
    --------
    >>> fig, ax = error_strips([-50, 0, 50], {"naive": [2e15, 0.6, 0.4]}, knots=(-100, -10, 10, 100))
    >>> [text.get_text() for text in ax.texts]
    ['naive', '2e15']
    >>> plt.close(fig)
    """
    xs, at = np.asarray(x, dtype=float), np.asarray(knots, dtype=float)
    if at.size < 2 or not (np.diff(at) > 0).all():
        raise ValueError(f"knots must ascend, and there must be at least two: {knots}")
    fig, ax = plt.subplots(figsize=(_WIDTH, 0.8 + 0.5 * len(errors)))
    steps = np.arange(at.size)
    ax.set_xscale("function", functions=(lambda v: np.interp(v, at, steps), lambda s: np.interp(s, steps, at)))
    ax.set(xlim=(at[0], at[-1]), ylim=(-0.1, len(errors)), xlabel=xlabel, yticks=[])
    ax.set_xticks(at, [f"{v:g}".replace("-", "\N{MINUS SIGN}") for v in at])
    ax.spines["left"].set_visible(False)
    for v in at:
        level(ax, x=v)
    for base, (name, values) in zip(range(len(errors) - 1, -1, -1), errors.items(), strict=True):
        found = np.nan_to_num(np.asarray(values, dtype=float), nan=np.inf, posinf=np.inf)
        if found.shape != xs.shape:
            raise ValueError(f"{name} has errors of shape {found.shape}, but x has shape {xs.shape}")
        height = np.log2(np.clip(found, _ROUNDED, _LOST) / _ROUNDED) / np.log2(_LOST / _ROUNDED)
        top = base + 0.45 * height
        ax.fill_between(xs, base, top, color=PALETTE["blue"], alpha=0.35, linewidth=0)
        ax.plot(xs, top, color=PALETTE["blue"], linestyle="-", linewidth=1, label=name)
        ax.text(at[0], base + 0.6, name)
        ax.text(at[-1], base + 0.6, _short(float(found.max(initial=0))), ha="right")
    return fig, ax


def reliability_diagram(ax: Axes, curves: Mapping[str, ReliabilityCurve]) -> None:
    """Draw observed frequency against predicted probability, with the diagonal where the two agree.

    Each bin is a point, with a bar for the interval of its frequency. Curves differ in colour, dashes and markers, and
    a legend names them.

    Parameters
    ----------
    ax : Axes
        Gets both axes from 0 to 1, and names for them.
    curves : mapping of str to ReliabilityCurve
        As :func:`course_lib.calibration.reliability_curve` returns them, by the name of the forecaster; at most four.

    Raises
    ------
    ValueError
        There are more than four curves: their markers would repeat.

    Examples
    --------
    >>> from course_lib.calibration import reliability_curve
    >>> fig, ax = plt.subplots()
    >>> reliability_diagram(ax, {"forecast": reliability_curve([0, 1, 0, 1], [0.2, 0.2, 0.9, 0.9], bins=2)})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['forecast']
    >>> plt.close(fig)
    """
    if len(curves) > len(_MARKERS):
        raise ValueError(f"a diagram shows at most {len(_MARKERS)} curves, not {len(curves)}: {list(curves)}")
    ax.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (3, 3)), zorder=0, label="calibrated")
    for (name, curve), colour, dashes, marker in zip(curves.items(), PALETTE.values(), _DASHES, _MARKERS, strict=False):
        ax.bar(curve.predicted, curve.high - curve.low, width=0.004, bottom=curve.low, color=colour)
        # The ends as curves of their own: `describe` tells of these, and not of bars.
        for end, values in (("low", curve.low), ("high", curve.high)):
            ax.plot(
                curve.predicted,
                values,
                color=colour,
                linestyle="none",
                marker="_",
                markersize=5,
                label=f"{name}, {end}",
            )
        ax.plot(
            curve.predicted,
            curve.observed,
            color=colour,
            linestyle=dashes,
            linewidth=1.4,
            marker=marker,
            markersize=5,
            label=name,
        )
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="predicted probability", ylabel="share of positives")
    ax.legend(handles=[line for line in ax.lines if line.get_label() in curves], loc="upper left", fontsize=10.5)


def _short(error: float) -> str:
    """Write an error in ulp in a few characters."""
    if np.isinf(error):
        return "∞"
    return f"{error:.1f}" if error < 10 else f"{error:.0e}".replace("e+0", "e").replace("e+", "e")


class Table:
    """Columns and rows that a notebook shows as a table, and a terminal as text.

    The text is what nbval compares. On a narrow page long cells wrap, and a table that is still too wide scrolls by
    itself.

    Parameters
    ----------
    columns : sequence of str
        Names of the columns.
    rows : sequence of sequences of str
        Cells, as they are to be read: numbers come rounded. A column in which every cell starts as a number does is
        set to the right.

    Raises
    ------
    ValueError
        A row has more or fewer cells than there are columns.

    Examples
    --------
    >>> Table(["function", "mean"], [["sigmoid", "0.50"], ["log_sigmoid", "−0.81"]])
    function      mean
    sigmoid       0.50
    log_sigmoid  −0.81
    """

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        for row in rows:
            if len(row) != len(columns):
                raise ValueError(f"a row has {len(row)} cells, but there are {len(columns)} columns: {list(row)}")
        self._lines = [tuple(columns), *(tuple(row) for row in rows)]
        self._numeric = [
            bool(rows) and all(re.match(r"[-+−]?\d", cell) for cell in column)
            for _, *column in zip(*self._lines, strict=True)
        ]

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self._lines, strict=True)]
        return "\n".join(
            "  ".join(
                cell.rjust(width) if numeric else cell.ljust(width)
                for cell, width, numeric in zip(line, widths, self._numeric, strict=True)
            ).rstrip()
            for line in self._lines
        )

    def _repr_html_(self) -> str:
        head, *body = (
            "<tr>"
            + "".join(
                f'<{tag} style="padding: 0.25em 0.35em; text-align: {"right" if numeric else "left"}">'
                f"{html.escape(cell)}</{tag}>"
                for cell, numeric in zip(line, self._numeric, strict=True)
            )
            + "</tr>"
            for tag, line in zip(["th"] + ["td"] * (len(self._lines) - 1), self._lines, strict=True)
        )
        # The theme puts every HTML output on a white ground on dark pages, except tables of the class that pandas uses.
        return (
            '<div style="overflow-x: auto"><table class="dataframe" style="font-size: clamp(0.7rem, 3vw, 1rem)">'
            f"<thead>{head}</thead><tbody>{''.join(body)}</tbody></table></div>"
        )


def describe(fig: Figure) -> str:
    """Say in text what data a figure shows, to five digits.

    A notebook keeps this beside the picture as its plain text: nbval compares it, so a figure whose data changed fails,
    and one that was merely rendered by another machine does not.

    Parameters
    ----------
    fig : Figure

    Returns
    -------
    str
        For each axes its labels and limits, then every curve with five points spread along it and the mean of each
        coordinate, and every text.

    Examples
    --------
    >>> fig, ax = curve_axes((0, 2), (0, 1), "t", "share")
    >>> _ = ax.plot([0, 1, 2], [0, 0.5, 1], label="growth")
    >>> print(describe(fig))
    Figure 6.4 x 3.4 in
    axes: t [0, 2], share [0, 1]
      growth: 3 points
        x: 0, 1, 2; mean 1
        y: 0, 0.5, 1; mean 0.5
    >>> plt.close(fig)
    """
    width, height = fig.get_size_inches()
    out = [f"Figure {width:g} x {height:g} in"]
    for ax in fig.axes:
        out.append(
            f"axes: {ax.get_xlabel()} [{_numbers(ax.get_xlim())}], {ax.get_ylabel()} [{_numbers(ax.get_ylim())}]"
        )
        if ax.get_title(loc="left"):
            out.append(f"  title: {ax.get_title(loc='left')}")
        for name, xy in _drawn(ax):
            picked = np.unique(np.linspace(0, len(xy) - 1, min(len(xy), 5)).round().astype(int))
            out.append(f"  {name}: {len(xy)} point{'' if len(xy) == 1 else 's'}")
            if len(xy):
                for letter, column, ends in zip("xy", xy.T, (ax.get_xlim(), ax.get_ylim()), strict=True):
                    largest = float(np.abs(ends).max())
                    mean = _numbers([column.mean()], largest)
                    out.append(f"    {letter}: {_numbers(column[picked], largest)}; mean {mean}")
        out.extend(f"  text: {' '.join(text.get_text().split())}" for text in ax.texts)
    return "\n".join(out)


def _drawn(ax: Axes) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Name and (n, 2) data of each thing drawn on `ax`."""
    for line in ax.lines:
        label = str(line.get_label())
        yield ("line" if label.startswith("_") else label), np.asarray(line.get_xydata(), dtype=float)
    for collection in ax.collections:
        label = str(collection.get_label())
        offsets = np.ma.getdata(collection.get_offsets())
        paths = collection.get_paths()
        xy = paths[0].vertices if len(paths) == 1 and len(offsets) <= 1 else offsets
        yield ("area" if label.startswith("_") else label), np.asarray(xy, dtype=float)


def _numbers(values: ArrayLike, largest: float = 0) -> str:
    """Write five digits of each value.

    What is nothing beside `largest`, such as the 1e-17 left where two numbers cancel, differs between processors and is
    written as 0.
    """
    return ", ".join("0" if abs(value) <= 1e-12 * largest else f"{value:.5g}" for value in np.asarray(values, float))


def _ipython_shell() -> Any:
    """Return the running IPython, or None; never import IPython itself."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _set_up_notebook(shell: Any) -> None:
    """Store figures as sharp, reproducible PNGs whose plain text is their data."""
    try:
        from matplotlib_inline.config import InlineBackend
    except ImportError:
        return
    from IPython.core.pylabtools import select_figure_formats

    # Asked so, no backend is chosen by asking; matplotlib 3.8, which JupyterLite has, knows no other way.
    chosen = dict.__getitem__(mpl.rcParams, "backend")
    if chosen in ("inline", "module://matplotlib_inline.backend_inline"):
        plt.switch_backend(chosen)  # loads it now: on loading, it resets what is set below
    backend = InlineBackend.instance(parent=shell)
    backend.shell = shell
    # Not cropped, so that every figure has the width it was drawn for; without matplotlib's name and version, so that
    # the same data gives the same bytes.
    backend.print_figure_kwargs = {
        "bbox_inches": None,
        "metadata": {"Software": None},
        "pil_kwargs": {"optimize": True},
    }
    backend.figure_formats = {"retina"}
    select_figure_formats(shell, backend.figure_formats, **backend.print_figure_kwargs)
    shell.display_formatter.formatters["text/plain"].for_type(
        Figure, lambda fig, printer, cycle: printer.text(describe(fig))
    )
