"""A reader keeps the book on the device, and reads it when its server is gone."""

import json
import re
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import offline

USING = "book/start/using.html"
KEPT = re.compile(r"on this device, \d+ MB\. It opens without a network")


class Server:
    """The built book in a folder of its own, served on an address that stays when the server goes and comes back."""

    def __init__(self, folder):
        self.folder, self.port, self.asked, self.gives_up_after = folder, 0, [], None

    def start(self):
        server = self

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path.split("?")[0].lstrip("/"))
                if server.gives_up_after is not None and len(server.asked) > server.gives_up_after:
                    self.close_connection = True  # without an answer, as when the network goes
                    return
                super().do_GET()

            def log_message(self, *arguments):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", self.port), partial(Handler, directory=str(self.folder)))
        self.http.daemon_threads = True
        self.port = self.http.server_port
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def server(site, tmp_path):
    shutil.copytree(site, tmp_path / "site")
    serving = Server(tmp_path / "site")
    serving.start()
    yield serving
    serving.stop()


def _keep(page, server):
    page.goto(f"{server.address}/{USING}")
    page.get_by_role("button", name="Keep the book on this device").press("Enter")
    expect(page.locator("#keep-offline")).to_contain_text(KEPT, timeout=60_000)


def _listed(server):
    return json.loads((server.folder / offline.LIST).read_text(encoding="utf-8"))


def _versions(page):
    """The versions of which the browser holds files."""
    return [name.split(" ")[1] for name in page.evaluate("caches.keys()")]


def _files_held(page):
    return page.evaluate("""async () => {
        let count = 0;
        for (const name of await caches.keys()) count += (await (await caches.open(name)).keys()).length;
        return count;
    }""")


def _wait_for_versions(page, wanted):
    for _ in range(200):
        if _versions(page) == wanted:
            return
        page.wait_for_timeout(100)
    assert _versions(page) == wanted


def test_a_kept_book_opens_when_its_server_is_gone(server, open_page, mount_explorables):
    page, trouble = open_page()
    _keep(page, server)
    server.gives_up_after = 0
    page.goto(server.address)
    expect(page.locator("article h1")).to_have_text(re.compile("The Sigmoid Course"))
    pages = [name for name in _listed(server)["files"] if name.endswith(".html") and name != "index.html"]
    assert len(pages) > 40
    asked = len(server.asked)
    for name in pages:
        page.goto(f"{server.address}/{name}")
        mount_explorables(page)
        page.wait_for_function("document.fonts.ready.then(() => true)")
        page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth)")
    page.goto(f"{server.address}/search.html?q=overflow")
    page.locator("#search-results li a[href*='02_stability.html']").first.click()
    expect(page.locator("article h1")).to_contain_text("Stability")
    with page.expect_download() as notebook:
        page.locator("a[href$='02_stability.ipynb']").first.evaluate("link => link.click()")
    assert json.loads(Path(notebook.value.path()).read_text(encoding="utf-8"))["cells"]
    assert set(server.asked[asked:]) <= {offline.LIST, offline.WORKER}, "asked in vain for what is new, and no more"
    assert [what for what in trouble if "ERR_EMPTY_RESPONSE" not in what] == []


def test_nobody_gets_a_copy_who_did_not_ask(server, open_page):
    page, trouble = open_page()
    for name in ("book/intro.html", USING):
        page.goto(f"{server.address}/{name}")
        page.wait_for_load_state("networkidle")
    expect(page.get_by_role("button", name="Keep the book on this device")).to_be_visible()
    assert _versions(page) == []
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then((all) => all.length)") == 0
    assert f"({_listed(server)['bytes'] / 1e6:.0f} MB)" in page.locator("#keep-offline button").inner_text()
    assert trouble == []


def test_a_kept_book_is_brought_up_to_date_with_the_files_that_changed(server, open_page):
    page, trouble = open_page()
    _keep(page, server)
    before = _listed(server)
    map_page = server.folder / "book/start/map.html"
    map_page.write_text(map_page.read_text(encoding="utf-8").replace("Course map", "Map, second edition"), "utf-8")
    (server.folder / "book/start/new.html").write_text("<title>New</title>", encoding="utf-8")
    intro = server.folder / "book/intro.html"
    with intro.open("a", encoding="utf-8") as leads_to_it:
        leads_to_it.write('<a href="start/new.html">new</a>')
    offline.write(server.folder)
    now = _listed(server)
    server.asked.clear()
    page.goto(f"{server.address}/book/start/map.html")
    expect(page.locator("article h1")).to_contain_text("Course map")  # at once, as kept
    _wait_for_versions(page, [now["version"]])
    assert _files_held(page) == len(now["files"]) + 1
    fetched = set(server.asked) - {offline.LIST, offline.WORKER}
    assert fetched == {n for n, version in now["files"].items() if before["files"].get(n) != version}
    page.reload()
    expect(page.locator("article h1")).to_contain_text("Map, second edition")
    assert trouble == []


def test_an_attempt_that_was_cut_off_says_so_and_goes_on_where_it_was(server, open_page):
    page, _ = open_page()
    page.goto(f"{server.address}/{USING}")
    page.wait_for_load_state("networkidle")
    server.asked.clear()
    server.gives_up_after = 80
    button = page.get_by_role("button", name="Keep the book on this device")
    button.click()
    said = page.locator("#keep-offline [role=status]")
    expect(said).to_contain_text(re.compile(r"could not be fetched: .+ \d+ files are here; press again"))
    here = _files_held(page)
    assert 60 < here < 80
    server.stop()  # and while there is no server, pages of the incomplete copy are not shown as if there were
    assert page.evaluate("fetch('../intro.html').then(() => 'answered', () => 'failed')") == "failed"
    server.gives_up_after = None
    server.start()
    server.asked.clear()
    button.click()
    expect(page.locator("#keep-offline")).to_contain_text(KEPT, timeout=60_000)
    files = _listed(server)["files"]
    assert len([name for name in server.asked if name in files]) <= len(files) - here + 1
    assert _files_held(page) == len(files) + 1


def test_a_copy_can_be_removed(server, open_page):
    page, _ = open_page()
    _keep(page, server)
    page.get_by_role("button", name="Remove it from this device").click()
    expect(page.get_by_role("button", name="Keep the book on this device")).to_be_visible()
    assert _versions(page) == []
    page.goto(f"{server.address}/{USING}")
    server.asked.clear()
    page.goto(f"{server.address}/book/intro.html")
    assert "book/intro.html" in server.asked


def test_another_site_at_the_same_address_of_this_device_is_not_hidden_by_the_book(server, open_page, tmp_path):
    page, _ = open_page()
    _keep(page, server)
    server.stop()
    server.folder = tmp_path / "other"
    server.folder.mkdir()
    (server.folder / "index.html").write_text("<h1>Something else</h1>", encoding="utf-8")
    server.start()
    page.goto(f"{server.address}/{USING}")
    expect(page.locator("body")).to_contain_text("404")  # it has loaded itself again, from what is there now
    assert _versions(page) == []
    page.goto(server.address)
    expect(page.locator("h1")).to_have_text("Something else")


def test_where_a_browser_keeps_nothing_the_page_says_so(server, open_page):
    page, trouble = open_page()
    page.add_init_script("delete Navigator.prototype.serviceWorker")
    page.goto(f"{server.address}/{USING}")
    expect(page.locator("#keep-offline")).to_contain_text(
        "This browser keeps pages only of addresses that begin with https"
    )
    expect(page.locator("#keep-offline button")).to_be_hidden()
    assert trouble == []
