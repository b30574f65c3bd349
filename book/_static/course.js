// What is wider than its column scrolls by itself (course.css): then the keyboard has to reach it. The theme does the same
// for code and for the tables of markdown.
const SCROLLS = { ".bd-article div.math > span:not(.eqno)": "Formula", ".bd-article .text_html > div": "Table" };

function reach(box, name) {
  if (box.scrollWidth > box.clientWidth) {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", name);
  } else {
    for (const attribute of ["tabindex", "role", "aria-label"]) box.removeAttribute(attribute);
  }
}

// Fonts change the widths of formulas without a change of size.
addEventListener("load", async () => {
  await document.fonts.ready;
  for (const [boxes, name] of Object.entries(SCROLLS)) {
    const observer = new ResizeObserver((entries) => entries.forEach((entry) => reach(entry.target, name)));
    document.querySelectorAll(boxes).forEach((box) => observer.observe(box));
  }
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
