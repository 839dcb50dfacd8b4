"""The site, built once: every link resolves, and in a real browser it searches, turns dark and asks no other host."""

import functools
import json
import os
import re
import threading
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from conftest import BIN, HERE

from digitkit.site import save_site

CHROMIUM = "/usr/bin/chromium"
PAGES = ("index", "start", "command", "lessons/floor1", "lessons/12_layouts", "reference/read", "gallery/pictures")
PAGES += ("reports/index", "faults")


class Page(HTMLParser):
    """What a page links to, what it loads, what can be linked to in it, and the texts of its pictures."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.names, self.texts = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.names |= {given[key] for key in ("id", "name") if given.get(key)}
        self.links += [given[key] for key in ("href", "src") if given.get(key) and tag != "base"]
        self.texts += [given.get("alt") or ""] if tag == "img" else []


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The whole site, as `make site` makes it."""
    folder = tmp_path_factory.mktemp("site") / "site"
    save_site(folder)
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path: Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


@pytest.fixture(scope="module")
def browser():
    sync = pytest.importorskip("playwright.sync_api")
    with sync.sync_playwright() as play:
        try:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        except sync.Error:
            pytest.skip("no Chromium is installed: the site cannot be opened")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(site):
    """The address of the site on a plain web server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_every_link_resolves(site, pages):
    assert len(pages) > 100
    broken = []
    for path, page in pages.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            if urlsplit(link).scheme or link.startswith("//"):
                continue
            file = (path.parent / unquote(urlsplit(target).path)).resolve() if target else path
            file = file / "index.html" if file.is_dir() else file
            if not file.is_file() or (anchor and file in pages and unquote(anchor) not in pages[file].names):
                broken.append((str(path.relative_to(site)), link))
    assert not broken


def test_nothing_is_loaded_from_elsewhere(site):
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        loads = [part.split('"')[0] for part in text.split('src="')[1:]]
        assert not [link for link in loads if link.startswith(("http", "//"))], path
        assert '<link rel="stylesheet" href="http' not in text


def test_every_picture_says_what_it_shows(site, pages):
    """No text is empty, a word for any picture or the name of a file, and the texts of a page differ."""
    words = "image|picture|figure|(light |dark )?logo|what the code.*|no description.*|.*[.](png|svg|jpe?g|gif)"
    says_nothing = re.compile(rf"\W*({words})?\W*", re.I)
    silent, twice = set(), set()
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        if name.startswith("reports/") and name.count("/") > 1:
            continue  # the pages of reports are copied as they are; tests/test_page.py opens them
        silent |= {(name, text) for text in page.texts if says_nothing.fullmatch(text)}
        twice |= {(name, text) for text in page.texts if page.texts.count(text) > 1}
    assert sum(len(page.texts) for page in pages.values()) > 1000
    assert not silent and not twice


@pytest.mark.parametrize("name", ["start", "data"])
def test_a_page_with_code_says_what_its_code_says(name, tmp_path, monkeypatch, capsys):
    cells = json.loads((HERE / f"docs/{name}.ipynb").read_text())["cells"]
    cells = [cell for cell in cells if cell["cell_type"] == "code"]
    monkeypatch.chdir(tmp_path)
    typed = 'print(__import__("subprocess").run("{}", shell=True, capture_output=True, text=True).stdout, end="")'
    code = "\n".join("".join(cell["source"]) for cell in cells)
    monkeypatch.setenv("PATH", f"{BIN}:{os.environ['PATH']}")
    exec(re.sub(r"(?m)^!(.+)$", lambda line: typed.format(line[1]), code), {})
    outputs = [output for cell in cells for output in cell["outputs"]]
    shown = "".join(line for output in outputs for line in output.get("text", []))
    assert capsys.readouterr().out == shown.replace("\r\n", "\n") != ""  # a line that is typed speaks as a terminal


def test_lessons_reference_and_gallery_are_whole(site):
    lesson, notebook = (site / "lessons/12_layouts.html").read_text(), (HERE / "nbs/12_layouts.ipynb").read_text()
    assert "reference/compose.html#module-digitkit.layouts" in lesson and "#| export" not in lesson
    assert "Proof" in lesson and lesson.count("../_images/") == notebook.count('"image/png"') > 0
    reference = (site / "reference/read.html").read_text()
    for name in ("digitkit.reader.Reader.find", "digitkit.reader.Reader.default", "digitkit.numbers.Numbers.texts"):
        assert f'id="{name}"' in reference
    assert "-------" not in reference and "dict.fromkeys" not in reference
    assert (site / "gallery/pictures.html").read_text().count("<figure>") > 200
    command = (site / "command.html").read_text()
    assert "digitkit scenes build" in command and "--sure" in command
    first = (site / "index.html").read_text()
    assert "['805', '97689']" in first
    for report in ("full/index", "record/index", "document/index", "full/pictures/pictures"):
        assert f'href="{report}.html"' in (site / "reports/index.html").read_text()
    assert (site / "draw/draw.html").is_file() == ('href="draw/draw.html"' in first)
    assert "<msup>" in (site / "lessons/43_confidence.html").read_text()


@pytest.mark.parametrize("width", [390, 1280, 1440])
def test_the_site_in_a_browser(site, address, browser, width):
    """No page is wider than the window, and none asks another host; search finds; the button turns pages dark."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme="light")
    page, asked, errors = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    for name in PAGES:
        page.goto(f"{address}/{name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate("[...document.images].every(i => i.loading == 'lazy' || i.naturalWidth)"), name
    page.goto(f"{address}/search.html?q=watershed")
    page.wait_for_selector("ul.search li a")
    assert page.locator("ul.search li a", has_text="segment").count()

    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    button = page.locator(".theme-toggle:visible").first
    for _ in range(3):  # automatic, light, dark, in turn
        button.click()
        if page.evaluate("document.body.dataset.theme") == "dark":
            break
    assert page.evaluate(ground) != before
    assert asked and not [url for url in asked if not url.startswith((address, "data:"))] and not errors
    context.close()
