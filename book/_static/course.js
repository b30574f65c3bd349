// What is wider than its column scrolls by itself (course.css): then the keyboard has to reach it. The observer hears of a
// box once it has been laid out, so boxes far from the window cost nothing.
const SCROLLS = {
  ".bd-article div.math > span:not(.eqno)": "Formula",
  ".bd-article :is(.text_html > div, .pst-scrollable-table-container)": "Table",
  ".bd-article .cell_output pre": "Output",
  ".bd-article pre:not(.cell_output *)": "Code",
};

function reach(box, name) {
  if (box.scrollWidth > box.clientWidth) {
    box.tabIndex = 0;
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", name);
  } else {
    for (const attribute of ["tabindex", "role", "aria-label"]) box.removeAttribute(attribute);
  }
}

const boxes = new Map();
for (const [selector, name] of Object.entries(SCROLLS))
  for (const box of document.querySelectorAll(selector)) boxes.set(box, name);
const laidOut = new ResizeObserver((entries) => entries.forEach(({ target }) => reach(target, boxes.get(target))));

function lookAgain() {
  laidOut.disconnect();
  for (const box of boxes.keys()) laidOut.observe(box);
}

lookAgain();
document.fonts.addEventListener("loadingdone", lookAgain); // widths of formulas change without a change of size

// Sections far from the window are laid out (course.css) when the page has loaded and the browser has time, one by one.
// Then the last pictures are fetched: the page may be read on without a network.
const whenIdle = window.requestIdleCallback ?? ((task) => setTimeout(task)); // Safari has none
const root = document.documentElement;
const sections = [...document.querySelectorAll(".sections-later .bd-article > section section")];
function layOutNext() {
  const section = sections.shift();
  if (!section) return layOutAll();
  section.classList.add("laid-out");
  whenIdle(layOutNext);
}
function layOutAll() {
  sections.length = 0;
  root.classList.remove("sections-later");
  for (const picture of document.querySelectorAll("img[loading=lazy]")) picture.loading = "eager";
}
addEventListener("load", () => whenIdle(layOutNext));
// Whoever jumps to a place before that, to the end or to a word that is looked for, would land where it was thought to be.
// Keys that scroll a little are left alone: what comes near is laid out, and chromium ends a scroll when all is laid out.
addEventListener("keydown", (event) => {
  if (event.defaultPrevented || !root.classList.contains("sections-later")) return;
  const { key, target, ctrlKey, metaKey } = event;
  if (ctrlKey || metaKey || key === "F3") layOutAll();
  if ((key !== "End" && !(metaKey && key === "ArrowDown")) || target.closest("input, select, textarea")) return;
  event.preventDefault();
  layOutAll();
  scrollTo({ top: root.scrollHeight, behavior: "instant" });
});
addEventListener("hashchange", () => {
  if (!root.classList.contains("sections-later")) return;
  layOutAll();
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
});

// In the contents of the page the theme marks the section whose heading has passed the top of the window last. After a jump
// over headings the mark stands at a section that is nowhere to be seen.
const contents = [...document.querySelectorAll("#pst-page-toc-nav a")];
const sectionOf = (link) => document.getElementById(decodeURIComponent(link.hash.slice(1))).getBoundingClientRect();
function markSection() {
  const marked = contents.find((link) => link.classList.contains("active"));
  if (marked && sectionOf(marked).bottom > 0 && sectionOf(marked).top < innerHeight) return;
  const current = contents.findLast((link) => sectionOf(link).top < innerHeight * 0.3);
  for (const link of contents) {
    link.classList.toggle("active", link === current);
    link.closest(".toc-entry").classList.toggle("active", link.closest(".toc-entry").contains(current ?? null));
    if (link === current) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}
addEventListener("scrollend", markSection);

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

// The book without a network: what keeps a copy, where it can be kept, and the copy up to date, where there is one.
const offline = document.getElementById("keep-offline");
if (offline) import("./offline.js").then(({ mount }) => mount(offline));
if (navigator.serviceWorker?.controller) whenIdle(() => import("./offline.js").then(({ update }) => update()));
