"""A page of the dashboard in a browser tab, driven as a reader drives it."""

import time

from axe_playwright_python.sync_playwright import Axe
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

_OWN_404 = ("/_stcore/host-config", "/_stcore/health")
"""Streamlit's front end looks for these below a page's address first, and then where they are."""

_WAIT_S = 90

_UNTIL_STILL = """limit => new Promise(resolve => {
    // A grid writes its cells for screen readers up to 200 ms after it has drawn them. Timers of one page fire in
    // their order, so 500 ms of this page's own clock are enough however slow the machine is.
    let timer
    const end = still => { observer.disconnect(); clearTimeout(timer); resolve(still) }
    const begin = () => { clearTimeout(timer); timer = setTimeout(() => end(true), 500) }
    const observer = new MutationObserver(begin)
    observer.observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true})
    setTimeout(() => end(false), limit)
    begin()
})"""
"""Resolves to true when nothing in the page has changed for 500 ms, to false after `limit` ms."""


class Tab:
    """A page of the dashboard in a browser tab.

    Attributes:
        page: Playwright's page.
        problems: Errors of the console and of scripts.
    """

    def __init__(self, page, address: str) -> None:
        self.page, self.address = page, address
        self.problems: list[str] = []
        self._script = "asked"
        page.set_default_timeout(1000 * _WAIT_S)
        page.on("websocket", self._listen)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def _console(self, message) -> None:
        if message.type == "error" and not message.location.get("url", "").endswith(_OWN_404):
            self.problems.append(f"{message.text} ({message.location.get('url')})")

    def _listen(self, socket) -> None:
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, frame: bytes) -> None:
        if BackMsg.FromString(frame).WhichOneof("type") == "rerun_script":
            self._script = "asked"

    def _received(self, frame: bytes) -> None:
        message = ForwardMsg.FromString(frame)
        kind = message.WhichOneof("type")
        if kind == "new_session" and self._script == "asked":
            self._script = "running"
        elif kind == "script_finished" and self._script == "running":
            early = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
            self._script = "running" if early else "finished"

    def open(self, path: str = "") -> "Tab":
        """Go to a page and wait until it is complete."""
        self._script = "asked"
        self.page.goto(f"{self.address}/{path}" if not path.startswith("http") else path)
        self.page.wait_for_selector("[data-testid=stMainBlockContainer] h1")
        return self.settle()

    def settle(self) -> "Tab":
        """Wait until the script that was asked for has run, and what it sent is drawn."""
        self.page.wait_for_timeout(300)
        end = time.monotonic() + _WAIT_S
        while self._script != "finished":
            assert time.monotonic() < end, f"the script is {self._script} after {_WAIT_S} s"
            self.page.wait_for_timeout(50)
        self.page.wait_for_function(
            "document.querySelector('[data-testid=stApp]').getAttribute('data-test-script-state') === 'notRunning'"
            " && !document.querySelector('[data-testid=stSkeleton]')"
            " && [...document.images].every(image => image.complete)"
        )
        assert self.page.evaluate(_UNTIL_STILL, 1000 * _WAIT_S), f"the page still changes after {_WAIT_S} s"
        # Playwright hears of a new address after the page has it.
        there = self.page.evaluate("location.href")
        self.page.wait_for_url(lambda url: url == there)
        assert self.page.locator("[data-testid=stException]").count() == 0, self.text()
        return self

    def text(self) -> str:
        """All text of the page's main part."""
        return self.page.locator("[data-testid=stMainBlockContainer]").inner_text()

    def violations(self) -> list[str]:
        """What axe-core finds against WCAG 2.2 and good practice: names, roles, contrast, headings, keyboard access."""
        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]

    def pick(self, label: str, option: str) -> "Tab":
        """Choose an option of a select box or multiselect by its label."""
        box = self.page.get_by_label(label, exact=True).first
        box.click()
        box.fill(option)
        self.page.get_by_role("option", name=option).first.click()
        self.page.keyboard.press("Escape")
        return self.settle()

    def cells(self, table: int = 0) -> list[list[str]]:
        """The rows of a table, as Streamlit lays them out for screen readers."""
        rows = self.page.locator("[data-testid=stDataFrame]").nth(table).locator("table tr")
        rows.first.wait_for(state="attached")
        return rows.evaluate_all("rows => rows.map(r => [...r.children].map(c => c.textContent))")
