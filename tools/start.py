"""Serves the book and JupyterLab on this machine, and prints both addresses. Ctrl-C ends both.

JupyterLab sees the whole course, so that a chapter's notebook opens beside its problem set; it begins in `exercises/`.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "_build" / "html"
LAB_SECONDS = 90

# A course asks nobody for news and sends nothing to other hosts.
LAB_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"checkForUpdates": False, "fetchNews": "false"}}


class BookHandler(http.server.SimpleHTTPRequestHandler):
    """Serves the built book without a line of log a request."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def free_port(first: int) -> int:
    """Return the first free port of this machine from `first` on."""
    for port in range(first, first + 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit(f"error: no free port between {first} and {first + 99}")


def serve_book(port: int) -> str:
    """Serve `_build/html` in the background; return its address."""
    handler = functools.partial(BookHandler, directory=str(BOOK))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{port}/"


def start_lab(port: int) -> tuple[subprocess.Popen[bytes], str]:
    """Start JupyterLab in `exercises/`; return its process and its address when it answers."""
    settings = Path(sys.prefix, "share/jupyter/lab/settings/overrides.json")
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps(LAB_SETTINGS))
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.root_dir={ROOT}"]
    command += [f"--ServerApp.preferred_dir={ROOT / 'exercises'}"]
    command += ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    command += ["--ServerApp.log_level=ERROR"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    log = ROOT / "_build" / "jupyterlab.log"
    with log.open("wb") as file:
        # The token travels in the environment, where other users of the machine cannot read it.
        environment = {**os.environ, "JUPYTER_TOKEN": token}
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment, cwd=ROOT)
    address = f"http://127.0.0.1:{port}/lab?token={token}"
    end = time.monotonic() + LAB_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"error: JupyterLab ended with status {process.returncode}; see {log}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=1):
                return process, address
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    process.terminate()
    raise SystemExit(f"error: JupyterLab did not answer within {LAB_SECONDS} s; see {log}")


def has_display() -> bool:
    """Whether a browser window can be opened here."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def main() -> int:
    """Start both servers and wait."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--book-port", type=int, default=8000)
    parser.add_argument("--lab-port", type=int, default=8888)
    parser.add_argument("--no-browser", action="store_true", help="open no window, only serve")
    options = parser.parse_args()
    if not (BOOK / "index.html").exists():
        raise SystemExit("error: the book is not built; run: make book")
    signal.signal(signal.SIGTERM, signal.default_int_handler)

    start = time.monotonic()
    book = serve_book(free_port(options.book_port))
    print(f"book served after {time.monotonic() - start:.1f} s", flush=True)
    process, lab = start_lab(free_port(options.lab_port))
    print(f"JupyterLab answers after {time.monotonic() - start:.1f} s", flush=True)
    print(f"\n  Read:   {book}\n  Solve:  {lab}\n", flush=True)
    print("JupyterLab begins in exercises/: open a problem set there, or a chapter's notebook in book/.")
    print("\nCtrl-C ends both.", flush=True)
    if has_display() and not options.no_browser:
        webbrowser.open(book)
        webbrowser.open(lab)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        print("\nBoth are stopped. Your work is in exercises/.")
        return 0


if __name__ == "__main__":
    sys.exit(main())
