"""The house style: legible on light and dark pages and to colour-blind readers, and checkable as text."""

import itertools
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup

from course_lib import plotting
from course_lib.calibration import reliability_curve

# Backgrounds of the book's two themes and of the notices figures may stand in (sphinx-book-theme 1.3.0).
LIGHT = ("#ffffff", "#f3f4f5")
DARK = ("#121212", "#222832")

# Matrices for full protanopia, deuteranopia and tritanopia in linear RGB: Machado, Oliveira and Fernandes,
# "A physiologically-based model for simulation of color vision deficiency", 2009, table 1, severity 1.0.
COLOUR_BLINDNESS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.fixture(autouse=True)
def _house_style():
    with mpl.rc_context():
        mpl.use("Agg")
        plotting.style()
        yield
    plt.close("all")


def rgb(colour):
    return np.array(mpl.colors.to_rgb(colour))


def turned_over(colour):
    """What invert(1) hue-rotate(180deg) makes of a colour: W3C Filter Effects, hue-rotate's matrix at 180 degrees."""
    weights = np.array([0.213, 0.715, 0.072])
    return np.clip((2 * np.tile(weights, (3, 1)) - np.eye(3)) @ (1 - rgb(colour)), 0, 1)


def linear(colour):
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """Contrast ratio of WCAG 2."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(linear_rgb):
    xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    ) @ np.clip(linear_rgb, 0, 1)
    t = xyz / [0.95047, 1.0, 1.08883]
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("colour", [*plotting.PALETTE.values(), plotting.INK, plotting.MUTED])
def test_text_in_every_colour_is_legible_on_both_themes(colour):
    # 4.5 is WCAG's AA for text; the tinted boxes hold figures too and get the 3 that it asks of graphics and large text
    assert contrast(rgb(colour), rgb(LIGHT[0])) >= 4.5
    assert contrast(turned_over(colour), rgb(DARK[0])) >= 4.5
    assert contrast(rgb(colour), rgb(LIGHT[1])) >= 3
    assert contrast(turned_over(colour), rgb(DARK[1])) >= 3


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("pair", [*itertools.combinations(plotting.PALETTE, 2)], ids="-".join)
@pytest.mark.parametrize("kind", ["none", *COLOUR_BLINDNESS])
def test_colours_or_else_dashes_tell_curves_apart(theme, pair, kind):
    shown = turned_over if theme == "dark" else rgb
    matrix = np.array(COLOUR_BLINDNESS.get(kind, np.eye(3)))
    a, b = (lab(matrix @ linear(shown(plotting.PALETTE[name]))) for name in pair)
    cycle = {style["color"]: style["linestyle"] for style in mpl.rcParams["axes.prop_cycle"]}
    assert cycle[plotting.PALETTE[pair[0]]] != cycle[plotting.PALETTE[pair[1]]]
    assert np.linalg.norm(a - b) > 12  # twelve just noticeable differences


def test_the_test_of_the_filter_keeps_greys_grey_and_swaps_black_and_white():
    np.testing.assert_allclose(turned_over("#000000"), 1)
    np.testing.assert_allclose(turned_over("#ffffff"), 0, atol=1e-12)
    np.testing.assert_allclose(turned_over("#333333"), 0.8)


def test_figures_are_transparent_and_not_cropped():
    fig, _ = plotting.curve_axes()
    assert mpl.colors.to_rgba(fig.get_facecolor())[3] == 0
    assert fig.get_size_inches().tolist() == [6.4, 3.4]


@pytest.mark.parametrize("n", [0, 3])
def test_panels_refuses_what_a_phone_cannot_show(n):
    with pytest.raises(ValueError, match=f"not {n}"):
        plotting.panels(n)


def test_one_panel_and_two():
    assert [plotting.panels(n)[1].shape for n in (1, 2)] == [(1,), (2,)]


def test_name_curve_takes_the_curves_height_and_colour():
    _, ax = plotting.curve_axes((0, 2), (0, 4))
    (line,) = ax.plot([2, 0, 1], [4, 0, 1])  # out of order
    plotting.name_curve(line, 1.5, "square")
    assert ax.texts[0].xy == (1.5, 2.5)
    assert ax.texts[0].get_color() == line.get_color()


def test_name_curve_needs_a_curve_on_axes():
    with pytest.raises(ValueError, match="no axes"):
        plotting.name_curve(mpl.lines.Line2D([0, 1], [0, 1]), 0.5, "lost")


def test_describe_changes_with_the_data_and_not_with_rounding_noise():
    def described(y):
        fig, ax = plotting.curve_axes()
        ax.plot([0, 1, 2], y)
        return plotting.describe(fig)

    y = np.array([0.1, 0.2, 0.4])
    assert described(y) == described(y * (1 + 4e-16))
    assert described(y) != described(y * (1 + 1e-3))
    assert described([0.0, 1, 2]) == described([1e-17, 1, 2])
    assert described([-1.0, 0, 1]) == described([-1.0, 1e-17, 1])


def test_describe_names_points_areas_and_words():
    fig, ax = plotting.curve_axes((0, 1), (0, 1), "p", "cost")
    ax.set_title("prices")
    ax.scatter([0.1, 0.2], [0.3, 0.4], label="counts")
    ax.fill_between([0, 1], [0, 0], [1, 1])
    plotting.mark(ax, 0.5, 0.5, "half\nway")
    plotting.level(ax, x=0.25)
    plotting.level(ax, y=0.75)
    text = plotting.describe(fig)
    for expected in ("axes: p [0, 1], cost [0, 1]", "title: prices", "counts: 2 points", "area:", "text: half way"):
        assert expected in text
    assert len(re.findall(r"^  line: ", text, flags=re.MULTILINE)) == 3


def test_describe_survives_nan_and_empty_curves():
    fig, ax = plotting.curve_axes()
    ax.plot([], [], label="empty")
    ax.plot([0, 1], [np.nan, np.inf], label="odd")
    text = plotting.describe(fig)
    assert "empty: 0 points" in text
    assert "y: nan, inf" in text


def test_an_axis_of_errors_shows_rounding_and_the_loss_of_every_digit():
    _, ax = plotting.curve_axes()
    plotting.error_scale(ax)
    low, high = ax.get_ylim()
    levels = [line.get_ydata()[0] for line in ax.lines]
    # rounding to nearest is off by at most half a gap; a float64 has 53 digits, so 2**53 gaps are the number itself
    assert levels == [0.5, 2 / np.finfo(np.float64).eps]
    assert low < levels[0] < levels[1] < high


def test_strips_of_errors_rise_from_rounding_to_the_loss_of_every_digit():
    values = [0.0, 0.5, 2.0**26, 2.0**53, 1e300, np.inf, np.nan]
    _, ax = plotting.error_strips(range(7), {"top": values, "bottom": [0.2] * 7}, knots=(0, 3, 6))
    top, bottom = (line.get_ydata() for line in ax.lines if line.get_label() in ("top", "bottom"))
    full = top[3] - 1
    assert np.allclose((top - 1) / full, [0, 0, 0.5, 1, 1, 1, 1])  # 2**26 is half way from 2**-1 to 2**53
    assert np.allclose(bottom, 0)
    assert 0 < full < 1  # within its strip
    assert [text.get_text() for text in ax.texts] == ["top", "∞", "bottom", "0.2"]


def test_stretches_between_knots_are_equally_wide():
    fig, ax = plotting.error_strips([-750, 0, 750], {"flat": [0, 0, 0]}, knots=(-750, -700, 0, 750))
    fig.canvas.draw()
    across = ax.transAxes.inverted().transform(
        ax.transData.transform([(v, 0) for v in (-750, -725, -700, 0, 375, 750)])
    )
    assert np.allclose(across[:, 0], [0, 1 / 6, 1 / 3, 2 / 3, 5 / 6, 1])


@pytest.mark.parametrize("knots", [(), (1,), (1, 1), (0, 2, 1), (0, np.nan)])
def test_knots_that_do_not_ascend_are_an_error(knots):
    with pytest.raises(ValueError, match="knots must ascend"):
        plotting.error_strips([0, 1], {"form": [0, 0]}, knots)


def test_errors_that_are_not_one_a_point_are_an_error():
    with pytest.raises(ValueError, match=r"naive has errors of shape \(2,\), but x has shape \(3,\)"):
        plotting.error_strips([0, 1, 2], {"naive": [0, 0]}, knots=(0, 2))


CELLS = [["sigmoid", "(0, 1)", "0.50"], ["a < b & c", "-∞", "\N{MINUS SIGN}0.8"], ["", "", "+12"]]


def test_a_reliability_diagram_shows_every_bin_with_its_interval():
    y, p = [0, 1, 1, 0, 1, 1], [0.1, 0.1, 0.5, 0.5, 0.9, 0.8]
    curves = {"ten": reliability_curve(y, p, bins=10), "two": reliability_curve(y, p, bins=2)}
    fig, ax = plt.subplots()
    plotting.reliability_diagram(ax, curves)
    drawn = {line.get_label(): line for line in ax.lines}
    for name, curve in curves.items():
        np.testing.assert_array_equal(drawn[name].get_xydata(), np.column_stack([curve.predicted, curve.observed]))
        for end in ("low", "high"):
            np.testing.assert_array_equal(drawn[f"{name}, {end}"].get_ydata(), getattr(curve, end))
    bars = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in ax.patches]
    ends = [pair for curve in curves.values() for pair in zip(curve.low, curve.high, strict=True)]
    np.testing.assert_allclose(bars, ends)
    assert drawn["ten"].get_marker() != drawn["two"].get_marker()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ten", "two"]
    assert "two, low: 2 points" in plotting.describe(fig)


def test_a_reliability_diagram_refuses_more_curves_than_it_has_markers():
    curve = reliability_curve([0, 1], [0.2, 0.8])
    _, ax = plt.subplots()
    with pytest.raises(ValueError, match="at most 4"):
        plotting.reliability_diagram(ax, dict.fromkeys("abcde", curve))


def test_a_table_in_a_notebook_has_the_cells_as_they_are_and_numbers_to_the_right():
    soup = BeautifulSoup(plotting.Table(["name", "<values>", "mean"], CELLS)._repr_html_(), "html.parser")
    assert [cell.string for cell in soup.find_all("th")] == ["name", "<values>", "mean"]
    assert [[cell.string or "" for cell in row.find_all("td")] for row in soup.tbody.find_all("tr")] == CELLS
    aligned = [re.search(r"text-align: (\w+)", cell["style"])[1] for cell in soup.find_all(["th", "td"])]
    assert aligned == ["left", "left", "right"] * 4
    # what the theme looks for on a dark page, and what keeps a phone from scrolling the page
    assert soup.table["class"] == ["dataframe"]
    assert soup.table.parent["style"] == "overflow-x: auto"


def test_a_table_as_text_keeps_its_columns_in_line():
    lines = repr(plotting.Table(["name", "values", "mean"], CELLS)).splitlines()
    assert [line.split() for line in lines[:2]] == [["name", "values", "mean"], ["sigmoid", "(0,", "1)", "0.50"]]
    assert len({len(line) for line in lines}) == 1  # the last column is set to the right
    assert {line.find(cell) for line, cell in zip(lines, ["values", "(0, 1)", "-∞"], strict=False)} == {11}


@pytest.mark.parametrize("row", [["one"], ["one", "two", "three"]])
def test_a_row_that_does_not_fit_its_table_is_an_error(row):
    with pytest.raises(ValueError, match=f"{len(row)} cells, but there are 2 columns"):
        plotting.Table(["a", "b"], [["x", "y"], row])


def test_outside_a_notebook_only_settings_change(monkeypatch):
    monkeypatch.setattr(plotting, "_ipython_shell", lambda: None)
    plotting.style()
    assert mpl.rcParams["figure.facecolor"] == "none"


# matplotlib_inline's own declarations, of which traitlets complains when something observes them
@pytest.mark.filterwarnings("ignore:InlineBackend:DeprecationWarning")
def test_in_a_notebook_figures_are_stable_pngs_that_say_their_data(tmp_path):
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    try:
        plotting.style()
        bundles = []
        for _ in range(2):
            fig, ax = plotting.curve_axes()
            ax.plot([-8, 8], [0, 1], label="line")
            bundles.append(shell.display_formatter.format(fig))
    finally:
        InteractiveShell.clear_instance()
    (first, metadata), (second, _) = bundles
    assert first == second
    assert first["text/plain"] == plotting.describe(fig)
    assert metadata["image/png"] == {"width": 640, "height": 340}
    assert set(first) == {"text/plain", "image/png"}
