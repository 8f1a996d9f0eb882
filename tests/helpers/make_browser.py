"""A real browser for tests of pages: Chromium without a window, spoken to through a pipe."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

# Elements that stick out on the right, but for what scrolls by itself and Snakemake's graph.
STICK_OUT = """[...document.querySelectorAll("body *")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width && box.right > innerWidth + 1 && !e.parentElement.closest(".scroll, table")
    && !e.closest(".vega-embed");
}).map((e) => `${e.tagName} ${e.className} ${Math.round(e.getBoundingClientRect().right)}`)"""
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


class Page:
    """One page of the browser: goes to addresses, runs scripts, records errors.

    complaints: errors in the console, and exceptions.
    fetched: addresses that were requested, but for files, data and blobs.
    """

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True)
        theirs_in, self.out = os.pipe()
        self.into, theirs_out = os.pipe()

        # the browser reads from its file 3 and writes to its file 4
        command = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self.process = subprocess.Popen(
            ["bash", "-c", command, "browser", CHROMIUM, "--headless", "--no-sandbox",
             "--disable-gpu", "--remote-debugging-pipe", "--hide-scrollbars",
             f"--user-data-dir={self.folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=(theirs_in, theirs_out),
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        self.number, self.session, self.unread = 0, None, b""
        self.complaints: list[str] = []
        self.fetched: list[str] = []
        self.arrived = self.loaded = False
        target = next(
            t for t in self._ask("Target.getTargets")["targetInfos"] if t["type"] == "page"
        )
        given = self._ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = given["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(20)
        os.close(self.out)
        os.close(self.into)
        self.folder.cleanup()

    def prefer(self, scheme: str = "light", media: str = "screen") -> None:
        """Show pages "light" or "dark", as on a "screen" or in "print"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._ask("Emulation.setEmulatedMedia", media=media, features=features)

    def press(self, key: str) -> None:
        """Press and release a key, such as "Tab", " " or "Enter"."""
        text = {" ": " ", "Enter": "\r"}.get(key)
        code = {"Tab": 9, "Enter": 13, " ": 32}[key]
        self._ask("Input.dispatchKeyEvent", type="keyDown", key=key, windowsVirtualKeyCode=code,
                  **({"text": text} if text else {}))  # fmt: skip
        self._ask("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def go(self, place: Path | str, width: int = 1280) -> None:
        """Open a file, or an address, in a window of some width, and wait until it is there."""
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip
        self.arrived = self.loaded = False
        address = place if isinstance(place, str) else place.resolve().as_uri()
        self._ask("Page.navigate", url=address)
        while not self.loaded:
            self._hear(self._message())

    def run(self, script: str):
        """The value of an expression of JavaScript; a promise is waited for."""
        answer = self._ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"]["exception"].get("description", answer))
        return answer["result"].get("value")

    def until(self, script: str, seconds: float = 30.0):
        """Wait for an expression to be true; returns its value, or fails."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                value = self.run(script)
            except AssertionError as error:
                # of a page that is on its way
                if not any(text in str(error) for text in ("navigated or closed", "context")):
                    raise
                value = None
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"not true after {seconds} s: {script}")

    def choose(self, label: str, value: str) -> None:
        """Choose in a drop-down list, as a reader would."""
        self.run(f"""(() => {{
          const named = (l) => l.firstChild.textContent === {json.dumps(label)};
          const list = [...document.querySelectorAll("label")].find(named).querySelector("select");
          list.value = {json.dumps(value)};
          list.dispatchEvent(new Event("change"));
        }})()""")

    def picture(self, file: Path) -> None:
        """Save what the window shows (PNG)."""
        file.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot")["data"]))

    def _ask(self, method: str, **params) -> dict:
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == self.number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']['message']}")
                return message["result"]
            self._hear(message)

    def _message(self) -> dict:
        while b"\0" not in self.unread:
            more = os.read(self.into, 1 << 20)
            if not more:
                raise AssertionError("the browser has ended")
            self.unread += more
        message, _, self.unread = self.unread.partition(b"\0")
        return json.loads(message)

    def _hear(self, message: dict) -> None:
        method, params = message.get("method"), message.get("params", {})
        if method == "Page.frameNavigated" and "parentId" not in params["frame"]:
            self.arrived = True
        elif method == "Page.loadEventFired":
            self.loaded = self.arrived  # else it is that of the page before
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.complaints.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            address = params["request"]["url"]
            if not address.startswith(("file:", "data:", "blob:")):
                self.fetched.append(address)
