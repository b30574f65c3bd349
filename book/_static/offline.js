// Keeps a copy of the whole book on the reader's device, if the reader asks for it, and keeps it up to date.
//
// A copy is a cache of the browser's, one for each version of the book, named by the book's address and the version. The
// list of files (tools/offline.py) is stored in it last: a copy without one is not complete, and the next attempt goes
// on from there. Once a copy is complete, older ones are removed. offline-worker.js answers from the newest.

const BOOK = new URL("../", import.meta.url).href;
const LIST = `${BOOK}offline.json`;
const WORKER = `${BOOK}offline-worker.js`;
const AT_ONCE = 6;
const THIS_DEVICE = ["127.0.0.1", "[::1]", "localhost"];

const possible = "serviceWorker" in navigator && "caches" in window;
const copies = async () => (await caches.keys()).filter((name) => name.startsWith(`${BOOK} `));

/** The name of the newest complete copy, and its list, if there is one. */
async function newest() {
  for (const cacheName of (await copies()).reverse()) {
    const list = await caches.match(LIST, { cacheName });
    if (list) return { cacheName, list: await list.json() };
  }
}

async function fromNetwork(address) {
  const response = await fetch(address, { cache: "no-store" });
  if (!response.ok) throw new Error(`${response.status} for ${address}`);
  // The answer to a navigation must not say that it was redirected.
  return response.redirected ? new Response(response.body, { headers: response.headers }) : response;
}

const currentList = async () => (await fromNetwork(LIST)).json();

/** Fetch what the newest copy does not have; `progress` is told how many files are there, of how many. */
async function fetchCopy(list, progress) {
  const old = await newest();
  const cache = await caches.open(`${BOOK} ${list.version}`);
  const names = Object.keys(list.files);
  const todo = [...names];
  let there = 0;
  const next = async () => {
    for (let name; (name = todo.pop()); progress(++there, names.length)) {
      const address = BOOK + name;
      if (await cache.match(address)) continue;
      const unchanged = old?.list.files[name] === list.files[name];
      const kept = unchanged && (await caches.match(address, { cacheName: old.cacheName }));
      await cache.put(address, kept || (await fromNetwork(address)));
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, next));
  } finally {
    todo.length = 0; // after a failure the others end with the file that they are at
  }
  await cache.put(LIST, new Response(JSON.stringify(list)));
  for (const name of await copies()) if (name !== `${BOOK} ${list.version}`) await caches.delete(name);
}

/** Keep a copy, or bring it up to date. */
async function keep(progress) {
  await navigator.serviceWorker.register(WORKER);
  let list = await currentList();
  for (let version; version !== list.version; list = await currentList()) {
    version = list.version; // the book may be published anew meanwhile
    await fetchCopy(list, progress);
  }
}

async function remove() {
  for (const name of await copies()) await caches.delete(name);
  await (await navigator.serviceWorker.getRegistration(BOOK))?.unregister();
}

/** Bring a copy up to date, unless another page is at it. Without a network nothing happens: the next page tries again. */
export async function update() {
  const bring = async (mine) => {
    if (!mine || !(await newest())) return;
    const response = await fetch(LIST, { cache: "no-store" });
    if (response.ok && response.headers.get("content-type")?.includes("json")) {
      if ((await response.json()).version !== (await newest()).list.version) await keep(() => {});
    } else if (THIS_DEVICE.includes(location.hostname)) {
      // An address of this device may serve something else today: what is kept must not stand in its way.
      await remove();
      location.reload();
    }
  };
  await navigator.locks.request(BOOK, { ifAvailable: true }, bring).catch(() => {});
}

/** Put what a reader needs to keep the book, or to remove it, into an element. */
export async function mount(place) {
  const add = (tag, properties) => place.appendChild(Object.assign(document.createElement(tag), properties));
  const button = add("button", { type: "button", hidden: true });
  const bar = add("progress", { hidden: true, ariaLabel: "Files of the book that are on this device" });
  const status = add("p", { role: "status" });
  if (!possible) {
    status.textContent = "This browser keeps pages only of addresses that begin with https.";
    return;
  }

  const { bytes } = (await newest())?.list ?? (await currentList());
  const size = `${(bytes / 1e6).toFixed(0)} MB`;
  let there = 0;
  const progress = (count, all) => Object.assign(bar, { value: (there = count), max: all });

  async function show(trouble) {
    const kept = await newest();
    button.textContent = kept ? "Remove it from this device" : `Keep the book on this device (${size})`;
    button.onclick = kept ? giveUp : start;
    const stands = `The book is on this device, ${size}. It opens without a network; with one, it is kept up to date.`;
    status.textContent = trouble ?? (kept ? stands : "");
  }

  async function giveUp() {
    await navigator.locks.request(BOOK, remove);
    await show();
  }

  async function start() {
    there = 0;
    button.disabled = true;
    bar.removeAttribute("value");
    bar.hidden = false;
    status.textContent = "Fetching the book.";
    let trouble;
    try {
      await navigator.storage?.persist?.(); // else a browser short of room may remove it
      await navigator.locks.request(BOOK, () => keep(progress));
    } catch (error) {
      const full = error.name === "QuotaExceededError";
      trouble =
        `${full ? "There is no room for it on this device" : "It could not be fetched"}: ${error.message}. ` +
        `${there} files are here; press again to go on from there.`;
    }
    bar.hidden = true;
    button.disabled = false;
    await show(trouble);
  }

  await show();
  button.hidden = false;
}
