"""A JupyterLab server and a page of it, driven as a person would, for the tests in this folder.

In: a folder to serve, cells to run. Out: a Playwright page that shows them, pictures of it.
"""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import nbformat

# Two cores shared with a kernel, a server and a browser: seconds here are nothing unusual.
PATIENCE = 60.0

CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {
        "windowingMode": "none"
    },  # cells out of sight stay in the page
}


def chromium() -> str | None:
    """Where a Chromium is. Playwright's own would have to be downloaded; the system's does as well."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def write_notebook(path: Path, *cells: str) -> Path:
    """Write a notebook of code cells, without outputs."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, id=f"cell-{k}") for k, source in enumerate(cells)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, path)
    return path


class Server:
    """A JupyterLab server of our own: its settings, its trust database and its port belong to one test run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "notebooks"
        self.folder.mkdir()
        settings = folder / "settings"
        for name, values in SETTINGS.items():
            extension, plugin = name.split(":")
            file = settings / extension / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.token = secrets.token_hex(16)
        self.log = folder / "server.log"
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.folder,
            "ServerApp.allow_root": True,
            "ServerApp.open_browser": False,
            "ServerApp.log_level": "WARN",
            "LabApp.user_settings_dir": settings,
            "LabApp.workspaces_dir": folder / "workspaces",
            "LabApp.expose_app_in_browser": True,
            "JupyterNotebookApp.expose_app_in_browser": True,
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "jupyterlab",
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                env={**os.environ, "JUPYTER_TOKEN": self.token},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(self.address("api/status"), timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        self.stop()
        raise RuntimeError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}")

    def address(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}"

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Lab:
    """One notebook, open in a page. `page` is Playwright's; `outputs(k)` is what stands below cell k."""

    def __init__(self, page, pictures: Path) -> None:
        self.page = page
        self.pictures = pictures
        self.messages: list[str] = []
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.on("console", lambda m: self.messages.append(m.text) if m.type == "error" else None)

    def open(self, server: Server, notebook: Path) -> None:
        self.page.goto(server.address(f"doc/tree/{notebook.name}"), wait_until="domcontentloaded")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", state="visible")
        # The kernel chooses its own time to be ready; a notebook without one waits for ever.
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )
        self._no_splash()
        if self.page.locator("body[data-jp-theme-light='false']").count():  # as another test left it
            self.theme("JupyterLab Light")

    def _no_splash(self) -> None:
        # It fades out over the page, and would be in the picture.
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    def command(self, name: str, **arguments: object) -> None:
        self.page.evaluate(
            "([name, args]) => window.jupyterapp.commands.execute(name, args)", [name, arguments]
        )

    def run_all(self) -> None:
        self.command("notebook:run-all-cells")
        self.page.wait_for_function(
            r"() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]"
            r".every(prompt => /^\[\d+\]:?$/.test(prompt.textContent.trim()))"
        )

    def outputs(self, cell: int):
        return self.page.locator(".jp-Notebook .jp-Cell").nth(cell).locator(".jp-OutputArea-output")

    def theme(self, name: str) -> None:
        self.command("apputils:change-theme", theme=name)
        light = "true" if "Light" in name else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")
        self._no_splash()

    def picture(self, name: str, locator=None) -> Path:
        """Save and print a picture, for a person to look at: of one element, or of all that the window shows."""
        path = self.pictures / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png"
        (locator or self.page).screenshot(path=path)
        print(f"picture: {path}")
        return path


@contextmanager
def browser(executable: str):
    """A headless Chromium. Entered once for this folder and left again: Playwright keeps an event loop running."""
    from playwright.sync_api import sync_playwright  # an extra of its own; the suite runs without it

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        try:
            yield chromium
        finally:
            chromium.close()
