"""A report in a real browser without a window: two widths, two colour schemes, everything unfolded."""

import json
import re
import shutil
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from storage.database import open_readonly
from storage.studies import list_studies
from tests.workbench.report.hostile import poison
from workbench.report.build import build
from workbench.report.html import to_html

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium binary is on the PATH"),
]

WIDTHS = (400, 1400)

_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--v=0"),
)

_MEASURE = """<script>
document.querySelectorAll("details").forEach(d => d.open = true);
const root = document.documentElement;
const outside = [...document.querySelectorAll("body *")].filter(
  e => !e.closest(".scroll") && e.getBoundingClientRect().right > root.clientWidth + 1).map(e => e.outerHTML);
const style = getComputedStyle(root);
parent.postMessage({width: innerWidth, scroll: root.scrollWidth, client: root.clientWidth, outside: outside,
  paper: style.backgroundColor, ink: style.color, fill: getComputedStyle(document.querySelector("svg .ground")).fill,
  title: document.title, svgs: document.querySelectorAll("svg").length}, "*");
</script></body>"""

_FRAMES = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<script>addEventListener("message", m => {
  const line = document.createElement("pre");
  line.textContent = "told " + btoa(encodeURIComponent(JSON.stringify(m.data)));
  document.body.append(line); });</script></head><body>%s</body></html>"""


def _chromium(page: Path, folder: Path, *flags: str) -> tuple[str, str]:
    """Return the page's document after its scripts ran, and what the browser logged."""
    assert CHROMIUM is not None
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [CHROMIUM, *_FLAGS, profile, *flags, "--virtual-time-budget=5000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def _measure(page: str, folder: Path, *flags: str) -> list[dict[str, Any]]:
    """Return what a copy of the page says of itself in a frame of each width."""
    copy = folder / "copy.html"
    without_policy = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    copy.write_text(without_policy.replace("</body>", _MEASURE), encoding="utf-8")
    frames = folder / "frames.html"
    frame = '<iframe src="copy.html" style="border:0" width="{}" height="900"></iframe>'
    frames.write_text(_FRAMES % "".join(map(frame.format, WIDTHS)), encoding="utf-8")
    document, logged = _chromium(frames, folder, "--window-size=1900,1200", *flags)
    assert logged == ""
    told = [json.loads(unquote(b64decode(found).decode())) for found in re.findall(r"told ([\w+/=]+)", document)]
    return sorted(told, key=lambda one: int(one["width"]))


@pytest.fixture(scope="module", params=["run", "hostile run", "study", "hostile study"])
def page(request: pytest.FixtureRequest, prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    match request.param:
        case "run":
            path = prepared
        case "hostile run":
            path = poison(prepared, tmp_path_factory.mktemp("hostile"))
        case "study":
            path = request.getfixturevalue("studied")
        case _:
            path = request.getfixturevalue("hostile_study")
    db = open_readonly(path)
    try:
        names = [row["study"] for row in list_studies(db)] or [None]
        return to_html(build(db, names, dialogues=6))
    finally:
        db.conn.close()


def test_nothing_overflows_at_either_width_in_either_scheme(page: str, tmp_path: Path) -> None:
    told = {
        scheme: _measure(page, tmp_path, f"--blink-settings=preferredColorScheme={number}")
        for scheme, number in (("dark", 0), ("light", 1))
    }
    for scheme, pages in told.items():
        assert [one["width"] for one in pages] == list(WIDTHS), scheme
        for one in pages:
            assert one["scroll"] <= one["client"], (scheme, one)
            assert one["outside"] == [], (scheme, one["width"])
            assert "surrogate" in str(one["title"])
    assert {one["paper"] for one in told["light"]} == {"rgb(255, 255, 255)"}
    assert {one["paper"] for one in told["dark"]} == {"rgb(20, 23, 27)"}
    for name in ("ink", "fill"):
        assert told["light"][0][name] != told["dark"][0][name]


def test_the_page_itself_logs_nothing(page: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    document, logged = _chromium(path, tmp_path)
    assert logged == ""
    assert document.count("<svg") == page.count("<svg")


def test_it_prints(page: str, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    path, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    path.write_text(page, encoding="utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [CHROMIUM, *_FLAGS, profile, f"--print-to-pdf={printed}", path.as_uri()]
    subprocess.run(command, capture_output=True, timeout=120, check=True)
    assert printed.read_bytes().startswith(b"%PDF")
