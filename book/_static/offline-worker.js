// Answers for the book's pages from the copy that the reader keeps on this device, and from the network where there is
// none. offline.js makes the copy and says how it is stored; it asks the network itself, with cache "no-store".

const BOOK = self.registration.scope;
const LIST = `${BOOK}offline.json`;

addEventListener("install", () => self.skipWaiting());
addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
addEventListener("fetch", (event) => {
  const { cache, method, url } = event.request;
  if (method === "GET" && cache !== "no-store" && url.startsWith(BOOK)) event.respondWith(answer(event.request));
});

async function answer(request) {
  const file = new URL(request.url);
  file.search = "";
  if (file.pathname.endsWith("/")) file.pathname += "index.html";
  for (const name of (await caches.keys()).filter((key) => key.startsWith(`${BOOK} `)).reverse()) {
    const inCopy = { cacheName: name }; // to open one that is just being removed would make it again
    if (!(await caches.match(LIST, inCopy))) continue; // not complete
    const kept = await caches.match(file, inCopy);
    if (kept) return kept;
  }
  return fetch(request);
}
