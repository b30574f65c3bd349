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

import sys
from collections.abc import Iterator
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "INK",
    "MUTED",
    "PALETTE",
    "curve_axes",
    "describe",
    "level",
    "mark",
    "name_curve",
    "panels",
    "style",
]

INK = "#1f2328"
MUTED = "#5f6773"
PALETTE = {"blue": "#005fa3", "orange": "#c64f00", "green": "#2b7d3a", "purple": "#a8477f"}

_WIDTH = 6.4  # inches; 640 CSS pixels at 100 dpi, the widest that the stylesheet shows a figure
_DASHES: list[Any] = ["-", (0, (5, 2)), (0, (7, 2, 1.5, 2)), (0, (1.5, 1.5))]


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

    if mpl.get_backend(auto_select=False) in ("inline", "module://matplotlib_inline.backend_inline"):
        plt.switch_backend("inline")  # loads it now: on loading, it resets what is set below
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
