"""The report's page in a real browser that can reach no host."""

import re
import shutil
import subprocess

import cv2
import pytest
from conftest import HERE

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: the page cannot be opened")
OFFLINE = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run")


def browse(folder, page, *options) -> str:
    """What Chromium prints about a page, with a profile of its own and every host name unknown."""
    line = [CHROMIUM, *OFFLINE, "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'browser'}"]
    done = subprocess.run([*line, *options, page.as_uri()], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dom(tiny, tmp_path_factory):
    return browse(tmp_path_factory.mktemp("dom"), tiny.reports / "index.html", "--dump-dom")


def test_the_page_holds_its_tables_and_pictures(tiny, dom):
    for heading in ("Key observations", "All experiments", "Where digits overlap", "Cross-validation and grid search"):
        assert heading in dom
    assert dom.count("<table") >= 6 and dom.count("<img") >= 12
    cell = r"<td[^>]*>\s*{}\s*</td>"
    for name in ("small", "slots", "triple", "ladder14"):
        assert re.search(cell.format(name), dom)


def test_the_page_needs_no_network_and_no_script(dom):
    assert "<script" not in dom and "<link" not in dom and "<iframe" not in dom
    sources = re.findall(r"""<[^>]*?\ssrc\s*=\s*["']([^"']{0,40})""", dom)
    assert sources and all(source.startswith("data:image/") for source in sources)
    styles = "".join(re.findall(r"<style.*?</style>", dom, re.DOTALL))
    assert not re.search(r"@import|url\(\s*['\"]?(https?:)?//", styles)


WIDE = """<script>document.title = "wider than the page: " + [...document.querySelectorAll("table")].filter(
    table => table.offsetWidth > table.closest(".jp-OutputArea-output").clientWidth).length</script>"""


@pytest.mark.parametrize("profile", ["tiny", "full", "reference"])
def test_no_table_is_cut_off(tiny, tmp_path, profile):
    page = tiny.reports / "index.html" if profile == "tiny" else HERE / "reports" / profile / "index.html"
    probe = tmp_path / "probe.html"
    probe.write_text(page.read_text() + WIDE)
    assert "<title>wider than the page: 0</title>" in browse(tmp_path, probe, "--dump-dom", "--window-size=1600,1200")


def test_the_page_is_drawn(tiny, tmp_path):
    shot = tmp_path / "shot.png"
    browse(tmp_path, tiny.reports / "index.html", f"--screenshot={shot}", "--window-size=1200,3000")
    picture = cv2.imread(str(shot), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (3000, 1200)
    thirds = [picture[top : top + 1000] for top in (0, 1000, 2000)]
    assert all(part.std() > 10 and (part < 128).mean() > 0.002 for part in thirds)
