"""A tab of a browser that speaks BiDi, and what a visitor does in it."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

from tests.browser.bidi import Bidi, BidiError, Json

WAIT_SECONDS = 20.0
POLL_SECONDS = 0.05
CONTROL = "\ue009"  # WebDriver's names of keys without a letter


class Tab:
    """Opened in front of the others. Its address comes with ``go``, after what shall be there before the page."""

    def __init__(self, browser: Bidi, *, width: int = 1280, height: int = 800) -> None:
        self._browser = browser
        self._context: str = browser.command("browsingContext.create", type="tab")["context"]
        self.errors: list[str] = []  # what its console says
        browser.listen("log.entryAdded", self._note)
        browser.command("browsingContext.setViewport", context=self._context, viewport={"width": width, "height": height})

    def close(self) -> None:
        """Leave the page, so that it says goodbye, and close the tab."""
        self.go("about:blank")
        self._browser.command("browsingContext.close", context=self._context)

    def add_init_script(self, script: str) -> None:
        """Run it before the page's own scripts."""
        self._browser.command("script.addPreloadScript", functionDeclaration=f"() => {{ {script} }}", contexts=[self._context])

    def go(self, url: str) -> None:
        """Open a page and wait until it is complete."""
        self._browser.command("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, expression: str, arg: object = None) -> Any:
        """What a JavaScript function returns, once its promise is kept; both ways as JSON."""
        function = f"async (arg) => JSON.stringify((await ({expression})(JSON.parse(arg))) ?? null)"
        return json.loads(self._call(function, json.dumps(arg)))

    def wait_for(self, expression: str, arg: object = None, *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until a JavaScript function returns something true."""
        end = time.monotonic() + seconds
        while not self.evaluate(expression, arg):
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds:.0f} s: {expression}")
            time.sleep(POLL_SECONDS)

    def wait_for_selector(self, selector: str, *, seconds: float = WAIT_SECONDS) -> None:
        """Wait until there is such an element."""
        self.wait_for("(selector) => document.querySelector(selector) !== null", selector, seconds=seconds)

    def text(self, selector: str) -> str:
        """What an element says."""
        return self.evaluate("(selector) => document.querySelector(selector).textContent.trim()", selector)

    def click(self, selector: str) -> None:
        """Wait until it can be pressed, and press it with the mouse."""
        self.wait_for_selector(f"{selector}:not(:disabled)")
        origin = {"type": "element", "element": self._element(selector)}
        self._call("(element) => element.scrollIntoView({ block: 'nearest', behavior: 'instant' })", origin["element"])
        move = {"type": "pointerMove", "x": 0, "y": 0, "origin": origin}
        self._perform("pointer", [move, {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}])

    def fill(self, selector: str, text: str) -> None:
        """Replace what a field holds, with the keyboard."""
        self.click(selector)
        self._perform("key", [_down(CONTROL), _down("a"), _up("a"), _up(CONTROL)])
        self._perform("key", [press for letter in text for press in (_down(letter), _up(letter))])
        self.wait_for("([selector, text]) => document.querySelector(selector).value === text", [selector, text])

    def set_files(self, selector: str, *files: Path) -> None:
        """Choose files, in a field for them that may be hidden."""
        paths = [str(file) for file in files]
        self._browser.command("input.setFiles", context=self._context, element=self._element(selector), files=paths)

    def screenshot(self) -> bytes:
        """A picture of what is to be seen, as PNG."""
        return base64.b64decode(self._browser.command("browsingContext.captureScreenshot", context=self._context)["data"])

    def _element(self, selector: str) -> Json:
        locator = {"type": "css", "value": selector}
        nodes = self._browser.command("browsingContext.locateNodes", context=self._context, locator=locator)["nodes"]
        if not nodes:
            raise BidiError(f"no element {selector}")
        return {"sharedId": nodes[0]["sharedId"]}

    def _call(self, function: str, argument: str | Json) -> Any:
        answer = self._browser.command(
            "script.callFunction",
            functionDeclaration=function,
            arguments=[{"type": "string", "value": argument} if isinstance(argument, str) else argument],
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise BidiError(answer["exceptionDetails"]["text"])
        return answer["result"].get("value")

    def _perform(self, kind: str, actions: list[Json]) -> None:
        source = {"type": kind, "id": kind, "actions": actions}
        self._browser.command("input.performActions", context=self._context, actions=[source])

    def _note(self, entry: Json) -> None:
        if entry["level"] == "error" and entry["source"].get("context") == self._context:
            frames = (entry.get("stackTrace") or {}).get("callFrames") or [{"url": ""}]
            self.errors.append(f"{entry['text']} ({frames[0]['url']})")


def _down(key: str) -> Json:
    return {"type": "keyDown", "value": key}


def _up(key: str) -> Json:
    return {"type": "keyUp", "value": key}
