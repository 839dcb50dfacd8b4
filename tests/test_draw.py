"""The page that reads what one draws, in a real browser: it says what `Reader.find` says, and asks nobody outside."""

import base64
import io
import json
import math
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from conftest import HERE
from PIL import Image

from digitkit.composing import compose
from digitkit.glyphs import load_glyphs, split_glyphs
from digitkit.pictures import KINDS, pictures
from digitkit.reader import Reader

CHROMIUM = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed: the page cannot be opened")
SECONDS = 60_000  # milliseconds that a busy machine may need for an answer


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the page, as `tools/draw.py` makes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HERE / "tools"))
        import draw
    try:
        draw.runtime()
    except SystemExit as error:
        pytest.skip(f"ONNX Runtime Web cannot be fetched here: {error}")
    folder = tmp_path_factory.mktemp("site") / "draw"
    draw.save_page(folder)
    return folder


@pytest.fixture(scope="module")
def server(site):
    """The address at which Python's plain web server shows the folder."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def opened(server):
    """The page, opened once; at the end nothing went wrong in it, and it asked for nothing outside."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    wrong, asked = [], []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: line.type == "error" and wrong.append(line.text))
        page.context.on("request", lambda request: asked.append(request.url))
        page.goto(f"{server}/draw.html")
        yield page
        browser.close()
    assert wrong == [] and f"{server}/worker.js" in asked
    assert [url for url in asked if not url.startswith((server, "data:", "blob:"))] == []


@pytest.fixture
def page(opened):
    """The page with an empty sheet, on a wide screen in the light."""
    opened.set_viewport_size(dict(width=1280, height=900))
    opened.emulate_media(color_scheme="light")
    if opened.locator("#clear").is_enabled():
        opened.locator("#clear").click()
    return opened


def with_mouse(page, places):
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places[1:]:
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


def with_finger(page, places):
    browser = page.context.new_cdp_session(page)
    for k, (x, y) in enumerate(places):
        touch = dict(type="touchMove" if k else "touchStart", touchPoints=[dict(x=x, y=y)])
        browser.send("Input.dispatchTouchEvent", touch)
    browser.send("Input.dispatchTouchEvent", dict(type="touchEnd", touchPoints=[]))


def write_702(page, write):
    """Write 7, 0 and 2."""
    box = page.locator("#paper").bounding_box()
    size = min(0.55 * box["height"], 0.3 * box["width"])
    left, top = box["x"] + box["width"] / 2 - size, box["y"] + (box["height"] - size) / 2
    turns = [-math.pi / 2 - k * 2 * math.pi / 16 for k in range(18)]
    seven = [(0, 0.05), (0.5, 0.03), (0.4, 0.35), (0.25, 1)]
    zero = [(0.95 + 0.23 * math.cos(turn), 0.5 + 0.47 * math.sin(turn)) for turn in turns]
    two = [(1.42, 0.2), (1.5, 0.05), (1.7, 0.02), (1.85, 0.15), (1.8, 0.4), (1.6, 0.7), (1.42, 0.97), (1.9, 0.95)]
    for stroke in (seven, zero, two):
        write(page, [(left + x * size, top + y * size) for x, y in stroke])


def wait_for(page, *texts):
    """Wait until the page shows just these numbers."""
    names = "".join(f":nth-child({k + 1})[aria-label='{text}'], " for k, text in enumerate(texts))
    for name in names.split(", ")[:-1]:
        page.locator(f"#answer .number{name}").wait_for(timeout=SECONDS)
    page.locator(f"#answer .number:nth-child({len(texts) + 1})").wait_for(state="detached", timeout=SECONDS)


def test_the_folder_is_small_and_nothing_of_others_is_in_the_repository(site):
    assert sum(file.stat().st_size for file in site.rglob("*") if file.is_file()) < 20_000_000
    assert len(list((site / "runtime").iterdir())) == 3
    assert {file.suffix for file in (HERE / "docs/draw").iterdir()} == {".html", ".css", ".js", ".json"}
    assert all(file.stat().st_size < 12_000 for file in (HERE / "docs/draw").iterdir())


def test_702_is_written_and_read_and_taken_back(page):
    assert page.locator("#clear").is_disabled() and page.locator("#hint").is_visible()
    write_702(page, with_mouse)
    wait_for(page, "702")
    assert page.locator(".number.unsure").count() == 0
    shares = page.locator(".digits small").all_inner_texts()
    assert len(shares) == 3 and all(share.endswith("%") for share in shares)
    assert page.locator("#said").inner_text().startswith("702, sure")
    ink, frame = page.locator("#paper").bounding_box(), page.locator("#marks .frame").bounding_box()
    assert 0.4 * ink["width"] < frame["width"] < 0.75 * ink["width"]
    assert page.locator("#strips canvas").count() == 1 and page.locator("#marks image").count() == 0
    page.locator("#looked").check()
    assert page.locator("#marks image").count() == 1
    page.keyboard.press("Control+z")
    wait_for(page, "70")
    page.locator("#clear").click()
    wait_for(page)
    assert page.locator("#marks > *").count() == 0 and page.locator("#how").is_hidden()
    page.locator("#undo").click()
    wait_for(page, "70")


def test_it_is_written_with_a_finger_on_a_narrow_screen_in_the_dark(page):
    page.set_viewport_size(dict(width=390, height=844))
    page.emulate_media(color_scheme="dark")
    write_702(page, with_finger)
    wait_for(page, "702")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    ground, text = page.evaluate("[getComputedStyle(document.body)].flatMap(s => [s.backgroundColor, s.color])")
    dark, bright = (sum(map(int, colour[4:-1].split(","))) / 3 for colour in (ground, text))
    assert dark < 50 and bright > 200
    page.set_viewport_size(dict(width=844, height=390))  # the phone is turned
    page.wait_for_timeout(100)
    wait_for(page, "702")
    sheet, frame = (page.locator(name).bounding_box() for name in ("#paper", "#marks .frame"))
    assert sheet["y"] < frame["y"] and frame["y"] + frame["height"] < sheet["y"] + sheet["height"]


def test_every_button_is_reached_by_keyboard_seen_and_named(page):
    page.get_by_role("button", name="Written").click()
    wait_for(page, "702")  # now all buttons can be used
    page.locator("h1").click()
    reached = {}
    for _ in range(page.locator("button:visible, input:visible").count()):
        page.keyboard.press("Tab")
        focus = page.evaluate(
            """(() => { const one = document.activeElement, seen = one.closest(".switch") ?? one;
            return [one.id || one.innerText, one.labels?.[0]?.innerText ?? one.innerText,
                    getComputedStyle(seen).outlineStyle]; })()"""
        )
        reached[focus[0]] = focus[1:]
    for name in ("undo", "clear", "choose", "looked", "Written", "On squares"):
        label, outline = reached[name]
        assert label.strip() and outline == "solid", name
    assert page.locator("button:visible, input:visible").count() == len(reached)
    page.get_by_role("button", name="Written").focus()
    page.locator("#clear").click()
    page.get_by_role("button", name="Written").press("Enter")
    wait_for(page, "702")


CONTRAST = """() => {
    const style = getComputedStyle(document.documentElement), bright = (name) => {
        const parts = style.getPropertyValue(`--${name}`).trim().slice(1).match(/../g);
        const [r, g, b] = parts.map((hex) => parseInt(hex, 16) / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const ratio = (one, other) => Math.max(bright(one) / bright(other), bright(other) / bright(one));
    return ["text", "soft", "sure", "unsure", "seen", "ink"].flatMap((name) =>
        ["ground", "sheet"].map((on) => [`${name} on ${on}`, ratio(name, on)]));
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(page, scheme):
    """The contrast of WCAG 2, level AA."""
    page.emulate_media(color_scheme=scheme)
    ratios = page.evaluate(CONTRAST)
    assert len(ratios) == 12 and [pair for pair in ratios if pair[1] < 4.5] == []


def encoded(image, **options):
    """An image (H, W) or (H, W, 3) uint8 as a PNG in base64."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", **options)
    return file.getvalue()


DROP = """([bytes, type]) => {
    const data = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0)), dropped = new DataTransfer();
    dropped.items.add(new File([data], "dropped", { type }));
    document.getElementById("sheet").dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true }));
}"""


def test_a_photo_is_dropped_or_chosen_and_read_as_python_reads_it(page, tmp_path):
    glyphs, reader = split_glyphs(load_glyphs())["test"], Reader.default()
    made = pictures("numbers in a line", 1, 3, glyphs, step=1)[0].image
    page.evaluate(DROP, [base64.b64encode(encoded(made)).decode(), "image/png"])
    wait_for(page, *reader.find(made).texts)
    assert len(reader.find(made)) == 3
    turned, tag = tmp_path / "turned.png", Image.Exif()
    tag[0x0112] = 6  # the camera was held upright
    plain = pictures("plain", 1, 5, glyphs)[0].image
    turned.write_bytes(encoded(np.rot90(plain).copy(), exif=tag))
    page.set_input_files("#file", turned)
    wait_for(page, *reader.find(turned).texts)
    assert reader.find(turned).texts == reader.find(plain).texts != []
    see_through = np.dstack([np.zeros((*plain.shape, 3), np.uint8), 255 - plain])
    page.evaluate(DROP, [base64.b64encode(encoded(see_through)).decode(), "image/png"])
    wait_for(page, *reader.find(see_through).texts)
    page.locator("#clear").click()
    page.evaluate(DROP, [base64.b64encode(encoded(made)).decode(), "image/png"])
    page.locator("#sheet.used").wait_for()
    page.evaluate(DROP, [base64.b64encode(b"no image").decode(), "text/plain"])  # while the other one is still read
    page.locator("#status.wrong").wait_for()
    wait_for(page, *reader.find(made).texts)
    assert page.locator("#status.wrong").count() == 1 and "no image" in page.locator("#status").inner_text()
    page.locator("#clear").click()
    assert page.locator("#status.wrong").count() == 0 and page.locator("#status").inner_text() == ""


def test_the_examples_are_read_as_python_reads_them(page, site):
    reader = Reader.default()
    for example in json.loads((site / "examples/examples.json").read_text()):
        page.get_by_role("button", name=example["name"]).click(timeout=SECONDS)
        found = reader.find(site / example["file"])
        wait_for(page, *found.texts)
        assert page.locator(".number.unsure").count() == sum(not number.sure for number in found)


def packed(image):
    """An image as the page's modules take it."""
    channels = 1 if image.ndim == 2 else image.shape[2]
    data = base64.b64encode(np.ascontiguousarray(image).tobytes()).decode()
    return dict(width=image.shape[1], height=image.shape[0], channels=channels, data=data)


def step_cases(image, rng):
    """Name, step, arguments and OpenCV's answer for every step that the page has of its own."""
    height, width = image.shape[:2]
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    yield "grey", "grey", image, [], grey
    ways = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
    factors = (("area", 0.37), ("area", 0.25), ("area", 1.31), ("linear", 0.8), ("linear", 0.5), ("linear", 4))
    for way, factor in (*factors, ("linear", 1.3), ("cubic", 1.4), ("cubic", 2.37)):
        size = [max(1, round(width * factor)), max(1, round(height * factor))]
        yield f"{way} {factor}", "resize", image, [*size, way], cv2.resize(image, size, interpolation=ways[way])
    yield "wider", "resize", grey, [round(width * 1.06), height, "linear", 1.06], cv2.resize(grey, None, fx=1.06, fy=1)
    yield "otsu", "otsu", grey, [], np.array([[cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)[0]]], np.uint8)
    for side in (7, 33):
        wide = cv2.copyMakeBorder(grey, side, side, side, side, cv2.BORDER_REFLECT)
        yield "median", "median", grey, [side], cv2.medianBlur(wide, side)[side:-side, side:-side]
    yield "blur", "blur", image, [], cv2.blur(image, (5, 5))
    for side in (3, 8, 40):
        kernel = np.ones((side, side), np.uint8)
        yield "closed", "closed", image, [side], cv2.morphologyEx(image, cv2.MORPH_CLOSE, kernel)
    for angle in np.deg2rad(rng.uniform(-20, 20, 4)):
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * rng.uniform(0.5, 2)
        move = np.column_stack([turn, rng.uniform(-10, 40, 2)])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        wanted = cv2.warpAffine(grey, move, (120, 48), flags=flags)
        yield "warped", "warped", grey, [move.ravel().tolist(), 120, 48], wanted


STEPS = """async (cases) => {
    const [levels, sizes, near] = await Promise.all(["image", "resize", "neighbours"].map((n) => import(`/${n}.js`)));
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const steps = { grey: levels.grey, resize: sizes.resize, median: near.medianBlur, blur: near.blur5,
        closed: near.closed, warped: near.warped,
        otsu: (one) => ({ width: 1, height: 1, channels: 1, data: [levels.otsu(one)] }) };
    return JSON.parse(cases).map(([name, step, image, args, wanted]) => {
        const got = steps[step]({ ...image, data: bytes(image.data) }, ...args), data = bytes(wanted.data);
        const same = ["width", "height", "channels"].every((key) => got[key] === wanted[key]);
        if (!same || got.data.length !== data.length) return [name, 255, 1];
        let most = 0, other = 0;
        data.forEach((level, i) => {
            const off = Math.abs(level - got.data[i]);
            most = Math.max(most, off);
            other += off > 0;
        });
        return [name, most, other / data.length];
    });
}"""


def test_every_step_gives_the_levels_that_opencv_gives(page):
    """Two may differ by one level in very few pixels: cubic (Intel's) and slanted (fused products in AVX2)."""
    rng, glyphs = np.random.default_rng(0), split_glyphs(load_glyphs())["test"]
    images = [picture.image[:160, :160] for picture in pictures("everything", 3, 5, glyphs)]
    images += [rng.integers(low, 256, shape).astype(np.uint8) for low, shape in ((0, (61, 250, 3)), (200, (100, 137)))]
    cases = [case for image in images for case in step_cases(image, rng)]
    sent = [[name, step, packed(image), args, packed(wanted)] for name, step, image, args, wanted in cases]
    off = page.evaluate(STEPS, json.dumps(sent))
    assert len(off) == len(cases) > 100
    loose = {name for name, most, _ in off if most}
    assert loose <= {"cubic 1.4", "cubic 2.37", "warped"}
    assert max(most for _, most, _ in off) <= 1 and max(share for *_, share in off) < 0.001


FIND = """async (pictures) => {
    const ort = await import("/runtime/ort.wasm.min.mjs"), { loadReader } = await import("/reader.js");
    const { load } = await import("/load.js");
    Object.assign(ort.env.wasm, { numThreads: 1, wasmPaths: `${location.origin}/runtime/` });
    const reader = await loadReader(ort, load), answers = [];
    for (const one of JSON.parse(pictures)) {
        const data = Uint8Array.from(atob(one.data), (letter) => letter.charCodeAt(0));
        const { kind, numbers } = await reader.find({ ...one, data });
        answers.push([kind, numbers.map(({ text, box, confidence, digits, sure }) =>
            ({ text, box, confidence, digits, sure }))]);
    }
    return answers;
}"""


def test_the_numbers_and_boxes_are_those_of_find(page):
    """Pictures of every fourth kind, and scenes; confidences differ as the networks' sums are in another order."""
    glyphs, reader = split_glyphs(load_glyphs())["test"], Reader.default()
    images = [pictures(kind, 1, 7, glyphs)[0].image for kind in list(KINDS)[::4]]
    scenes = list(compose(load_glyphs(), "crowd", 3, seed=5).images)
    answers = page.evaluate(FIND, json.dumps([packed(image) for image in images + scenes]))
    assert [kind for kind, _ in answers[-3:]] == ["scene"] * 3 and answers[0][0] == "picture"
    for image, (_, numbers) in zip(images + scenes, answers, strict=True):
        found = reader.find(image)
        assert [number["text"] for number in numbers] == found.texts
        assert [tuple(number["box"]) for number in numbers] == [number.box for number in found]
        for one, other in zip(numbers, found, strict=True):
            assert one["confidence"] == pytest.approx(other.confidence, abs=1e-3) and one["sure"] == other.sure
            assert one["digits"] == pytest.approx(other.digit_confidence, abs=1e-3)
