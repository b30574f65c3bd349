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

// A choice of a quiz, or another title that opens something, may be nothing but a formula. Its MathML is not taken for a
// name (axe-core's summary-name), so a word stands before it for those who hear the page.
addEventListener("load", () => {
  for (const title of document.querySelectorAll(".bd-article summary")) {
    const said = title.cloneNode(true);
    for (const formula of said.querySelectorAll(".katex")) formula.remove();
    if (said.textContent.trim()) continue;
    const word = document.createElement("span");
    word.className = "visually-hidden";
    word.textContent = "Formula: ";
    title.prepend(word);
  }
});
