// Brings the book's explorables to life: figures of the class "explorable", whose id is "explore-" and a module's name.
//
// This file is all that a page without one loads. A component comes to life when its figure comes near the window. Until
// then, without scripts and on paper, the figure is a still image with a caption.

const figures = document.querySelectorAll("figure.explorable[id^='explore-']");

const nearby = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      nearby.unobserve(target);
      bring(target).catch((error) => console.error(`explorable ${target.id}: ${error.stack}`));
    }
  },
  { rootMargin: "600px" },
);

async function bring(figure) {
  const name = figure.id.slice("explore-".length);
  const { default: mount } = await import(`./${name}.js`);
  const live = document.createElement("div");
  live.className = "explorable-live";
  figure.querySelector("figcaption").before(live);
  await mount(live);
  figure.dataset.explorable = name; // hides the still
}

for (const figure of figures) nearby.observe(figure);
