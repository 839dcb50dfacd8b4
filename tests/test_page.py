"""The pages of reports in a real browser, at three widths, by day and by night, and on paper."""

import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import pytest
from conftest import HERE

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: the page cannot be opened")
playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install digitkit[dev]")
WIDTHS = {390: 844, 820: 1180, 1280: 800, 1440: 900}
A4 = 703  # pixels between the margins of a sheet
PAGES = ("tiny", "full", "document", "record")

UNFOLD = "document.querySelectorAll('details').forEach(one => one.open = true)"
AS_OPENED = "document.querySelectorAll('details').forEach(one => one.open = false); scrollTo(0, 0)"

# what stands out of the window, but for what lies in a frame that is moved alone; of a figure that is its picture
OUTSIDE = """() => [...document.querySelectorAll("main *, nav")].filter(one => {
    const box = one.getBoundingClientRect();
    const moved = one.closest(".table, pre, nav ol, svg") || one.matches("figure img");
    return box.width && box.right > innerWidth + 1 && !moved;
}).map(one => one.tagName + ": " + one.textContent.slice(0, 60))"""

# what is wider than its frame: it has to be moved, or on paper is cut off
CUT = """() => [...document.querySelectorAll(".table")].filter(one => one.scrollWidth > one.clientWidth + 1)
    .map(one => one.getAttribute("aria-label"))"""

# the contrast of every text with what is behind it (WCAG 2.2, 1.4.3): those below 4.5, or 3 for large letters
PALE = """() => {
    const parts = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
    const behind = one => {
        for (; one; one = one.parentElement) {
            const colour = parts(getComputedStyle(one).backgroundColor);
            if (colour.length < 4 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    const found = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const one = texts.currentNode.parentElement, style = getComputedStyle(one);
        if (!texts.currentNode.data.trim() || !one.getClientRects().length) continue;
        const colour = one.closest("svg") ? style.fill : style.color;
        const [low, high] = [light(parts(colour)), light(behind(one))].sort((a, b) => a - b);
        const size = parseFloat(style.fontSize), bold = parseInt(style.fontWeight) >= 700;
        const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
        if ((high + 0.05) / (low + 0.05) < least) found.push(texts.currentNode.data.trim() + " " + colour);
    }
    return found;
}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])


@pytest.fixture
def paths(request):
    """The path of a page by its name: of the one that the tests made, or of one in git."""

    def path(name: str) -> Path:
        folder = request.getfixturevalue("tiny").reports if name == "tiny" else HERE / "reports" / name
        return folder / "index.html"

    return path


@pytest.fixture(scope="module")
def windows():
    """A window for each page that was opened, by its path."""
    return {}


@pytest.fixture
def open_page(browser, windows):
    """A page as if just opened, in a window of a width, on a light or dark screen; with all that it asked for."""

    def open_page(path, width=1440, color_scheme="light"):
        if path not in windows:
            windows[path] = window = browser.new_page()
            window.asked = []
            window.on("request", lambda request: window.asked.append(request.url))
            window.goto(path.as_uri())
            assert window.locator("details[open]").count() == 0
        window = windows[path]
        window.set_viewport_size({"width": width, "height": WIDTHS.get(width, 900)})
        window.emulate_media(media="screen", color_scheme=color_scheme)
        window.evaluate(AS_OPENED)
        return window

    return open_page


@pytest.mark.parametrize("name", PAGES)
def test_one_file_that_asks_for_nothing_and_runs_nothing(paths, open_page, name):
    assert paths(name).stat().st_size < 700_000
    window = open_page(paths(name))
    assert window.asked == [paths(name).as_uri()] or all(url.startswith("data:") for url in window.asked[1:])
    assert window.locator("script, link, iframe, object, embed").count() == 0
    styles = " ".join(window.locator("style").all_text_contents())
    assert not re.search(r"@import|url\(", styles)


@pytest.mark.parametrize("name", PAGES)
def test_nothing_stands_out_of_the_window_and_the_contents_stay(paths, open_page, name):
    for width in WIDTHS:
        window = open_page(paths(name), width)
        assert window.evaluate("document.documentElement.scrollWidth") <= width, width
        assert window.evaluate(OUTSIDE) == [], width
        assert window.locator("nav a").count() >= 10
        window.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
        assert window.evaluate("document.querySelector('nav').getBoundingClientRect().top") == 0
    window.evaluate(UNFOLD)
    assert window.evaluate(CUT) == []  # in a wide window no table has to be moved


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_letter_stands_out(paths, open_page, name, scheme):
    window = open_page(paths(name), 820, color_scheme=scheme)
    window.evaluate(UNFOLD)
    ground = window.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
    assert window.evaluate(PALE) == []


@pytest.mark.parametrize("name", PAGES)
def test_on_paper_every_table_is_whole_and_open(paths, open_page, name):
    window = open_page(paths(name), A4)
    window.emulate_media(media="print")
    assert window.evaluate(CUT) == [] and window.evaluate(OUTSIDE) == []
    heights = "[...document.querySelectorAll('details table')].map(one => one.getBoundingClientRect().height)"
    assert min(window.evaluate(heights), default=1) > 0
    stays = (
        "[...document.querySelectorAll('h2, summary, p:has(+ figure)')].map(one => getComputedStyle(one).breakAfter)"
    )
    assert set(window.evaluate(stays)) == {"avoid"}  # with what it announces
    assert not window.locator("nav").is_visible()


@pytest.mark.parametrize("name", PAGES)
def test_figures_and_tables_can_be_read_aloud(paths, open_page, name):
    window = open_page(paths(name))
    words = window.evaluate("[...document.images].map(one => one.alt)")
    words += window.evaluate("[...document.querySelectorAll('svg')].map(one => one.getAttribute('aria-label') || '')")
    assert len(words) >= 12 and all(len(text) > 15 and "No description" not in text for text in words), words
    assert window.locator("svg:not([role=img]), th:not([scope]), h1 ~ h1").count() == 0
    assert window.locator("figcaption").count() >= 12
    headings = window.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(one => +one.tagName[1])")
    assert headings[0] == 1 and headings.count(1) == 1 and all(b <= a + 1 for a, b in zip(headings, headings[1:]))
    width = "[...document.images].filter(one => one.closest('figure')).map(one => one.naturalWidth / one.width)"
    assert max(window.evaluate(width)) >= 1.9  # pictures are twice as fine as their place


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(paths, open_page, name):
    window = open_page(paths(name))
    links = window.evaluate("[...document.querySelectorAll('a')].map(one => one.getAttribute('href'))")
    ids = set(window.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)"))
    local = [link for link in links if link.startswith("#")]
    assert {unquote(link[1:]) for link in local} <= ids
    runs = set(links) - set(local)
    assert runs and all(link.endswith("/run.html") for link in runs)
    for link in runs:
        assert (paths(name).parent / link).is_file(), link


def test_the_first_screen_says_it_all(paths, open_page):
    window = open_page(paths("full"))
    tops = "selector => document.querySelector(selector).getBoundingClientRect().top"
    assert all(window.evaluate(tops, one) < 900 for one in ("h1", "main p strong", "main svg", "main table"))
    assert window.locator("main table").first.locator("tbody tr").count() == 6
    assert window.locator("main svg").first.locator("text").count() > 10  # the texts of a curve are texts
    assert window.locator("main table").first.locator("b").count() >= 5


def test_the_first_column_stays_while_a_table_is_moved(paths, open_page):
    window = open_page(paths("full"), 390)
    frame = window.locator(".table").first
    left = frame.evaluate("one => one.getBoundingClientRect().left")
    frame.evaluate("one => one.scrollLeft = 200")
    assert frame.evaluate("one => one.scrollLeft") == 200
    assert abs(frame.locator("tbody th").first.evaluate("one => one.getBoundingClientRect().left") - left) < 1


@pytest.mark.parametrize("name", ["full", "record", "document"])
def test_the_letters_of_a_figure_can_be_read_on_a_telephone(paths, open_page, name):
    """No letter of a drawing is below 7.5 pixels, a wide figure is moved in its own frame, and its caption stays."""
    window = open_page(paths(name), 390)
    sizes = """[...document.querySelectorAll("figure svg text")].filter(one => one.textContent.trim())
        .map(one => [one.getScreenCTM(), parseFloat(getComputedStyle(one).fontSize)])
        .map(([turn, size]) => size * Math.hypot(turn.a, turn.b))"""
    assert min(window.evaluate(sizes)) >= 7.5
    wide = window.evaluate("""[...document.querySelectorAll("figure")].filter(one => one.scrollWidth > one.clientWidth)
        .map(one => [getComputedStyle(one).overflowX, one.scrollLeft = 40, one.scrollLeft,
            one.querySelector("figcaption")?.getBoundingClientRect().left ?? 16])""")
    assert len(wide) >= 5 and all(frame == ["auto", 40, 40, 16] for frame in wide), wide
    window.evaluate("document.querySelectorAll('figure').forEach(one => one.scrollLeft = 0)")


def test_the_page_of_a_run_has_the_same_look(tiny, open_page):
    page = next(tiny.reports.glob("*/seed0/run.html"))
    for width in (390, A4):
        window = open_page(page, width)
        assert window.evaluate(OUTSIDE) == [] and window.evaluate("document.documentElement.scrollWidth") <= width
    window.emulate_media(media="print")
    assert window.evaluate(CUT) == [] and window.evaluate(PALE) == []
    assert window.locator("nav a").count() in (2, 3)


def test_the_page_holds_its_tables(tiny, open_page):
    window = open_page(tiny.reports / "index.html")
    headings = window.locator("h2").all_text_contents()
    assert {"Key observations", "All experiments", "The document's table", "Audit of the splits"} <= set(headings)
    assert window.locator("table").count() >= 8
    for name in ("small", "slots", "columns"):
        assert window.locator("tbody th", has_text=name).count() >= 2
