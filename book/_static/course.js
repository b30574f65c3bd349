// A formula that is wider than its column scrolls by itself (course.css): then the keyboard has to reach it. The theme
// does the same for code and tables.
function reach(formula) {
  if (formula.scrollWidth > formula.clientWidth) {
    formula.tabIndex = 0;
    formula.setAttribute("role", "group");
    formula.setAttribute("aria-label", "Formula");
  } else {
    for (const name of ["tabindex", "role", "aria-label"]) formula.removeAttribute(name);
  }
}

const observer = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target)));
// KaTeX makes these elements before the page has loaded; its fonts change widths without a change of size.
addEventListener("load", async () => {
  await document.fonts.ready;
  document.querySelectorAll(".bd-article div.math > span:not(.eqno)").forEach((formula) => observer.observe(formula));
});
