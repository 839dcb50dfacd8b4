"""`digitkit read`: files, folders, patterns, five formats, bad input of every kind, images as people have them."""

import csv
import io
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
import typing
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import BIN, HERE, RUN, command
from PIL import Image

from digitkit.composing import compose
from digitkit.deploy import RECIPE
from digitkit.files import load_image
from digitkit.glyphs import load_glyphs
from digitkit.labels import number
from digitkit.pictures import pictures
from digitkit.shipping import how_to_use

SHIPPED = HERE / "digitkit" / "shipped"
RUNS = {"crops": RUN, "whole images": "reports/tiny/slots/seed0"}


@pytest.fixture(scope="module")
def scenes():
    return compose(load_glyphs(), "triple", 3, seed=9)


@pytest.fixture
def folder(tmp_path, scenes):
    """Three scenes as PNG and JPEG, and a file that is none."""
    for name, image in zip(("a.png", "b.PNG", "c.jpg"), scenes.images):
        cv2.imwrite(str(tmp_path / name), image)
    (tmp_path / "notes.txt").write_text("not an image, and not asked for")
    return tmp_path


def page(scene, side=500):
    """A scene as ink in the middle of a sheet of grey paper, and the box of its ink."""
    sheet = np.full((side, side), 225, np.uint8)
    left, top = side // 2 - 42, side // 2 - 42
    sheet[top : top + 84, left : left + 84] -= (scene * 0.8).astype(np.uint8)
    ink = cv2.boundingRect((scene > 100).astype(np.uint8))
    return sheet, (ink[0] + left, ink[1] + top, *ink[2:])


def test_a_file_s_name_is_a_text_in_the_table_and_itself_elsewhere(call, tmp_path, scenes):
    name = "a|b <i> my_scan.png"
    cv2.imwrite(str(tmp_path / name), scenes.images[0])
    header, _, row = call(HERE, "read", tmp_path)[1].splitlines()
    assert row.replace(r"\|", "").count("|") == header.count("|") and r"a\|b \<i> my_scan.png" in row
    (answer,) = json.loads(call(HERE, "read", tmp_path, "--format", "json")[1])
    (cells,) = csv.DictReader(io.StringIO(call(HERE, "read", tmp_path, "--format", "csv")[1]))
    assert answer["file"] == cells["file"] == str(tmp_path / name)


def test_the_page_of_the_shipped_reader_ends_as_make_ship_writes_it():
    config = json.loads((SHIPPED / "config.json").read_text())["config"]
    end = how_to_use(config["slots"], config["pipeline"], RECIPE)
    assert (SHIPPED / "README.md").read_text().endswith(end)


@pytest.mark.parametrize("kind", RUNS)
def test_the_command_answers_what_the_reader_answers(tiny, call, folder, kind):
    from digitkit.reader import Reader

    code, out, err = call(tiny.project, "read", folder, "--run", RUNS[kind], "--format", "json")
    assert code == 0 and "notes.txt was passed over" in err
    paths = [folder / name for name in ("a.png", "b.PNG", "c.jpg")]
    reading = Reader.load(tiny.project / RUNS[kind]).read(paths)
    answers = json.loads(out)
    assert [row["file"] for row in answers] == [str(path) for path in paths]
    assert [row["text"] for row in answers] == list(number(reading.digits))
    sure = [row["confidence"] if row["text"] else 0 for row in answers]
    np.testing.assert_allclose(sure, np.where([*map(bool, number(reading.digits))], reading.confidence, 0), atol=1e-4)


def test_the_formats_say_the_same(call, folder, tmp_path):
    said = {form: call(HERE, "read", folder, "--format", form) for form in ("json", "jsonl", "csv", "table", "text")}
    assert {code for code, _, _ in said.values()} == {0}
    rows = json.loads(said["json"][1])
    assert rows == [json.loads(line) for line in said["jsonl"][1].splitlines()]
    assert [row["text"] for row in rows] == said["text"][1].splitlines()
    cells = list(csv.DictReader(io.StringIO(said["csv"][1])))
    for row, cell in zip(rows, cells, strict=True):
        assert (row["file"], row["text"]) == (cell["file"], cell["text"])
        assert row["box"] == [int(cell[side]) for side in ("left", "top", "width", "height")]
        assert row["sure"] == (cell["sure"] == "yes") and float(cell["confidence"]) == row["confidence"]
    lines = said["table"][1].strip().splitlines()
    assert len(lines) == 2 + len(rows)
    for line, row in zip(lines[2:], rows):
        assert [cell.strip() for cell in line.split("|")][1:3] == [row["file"], row["text"]]
    assert call(HERE, "read", folder, "--format", "csv", "-o", tmp_path / "answer.csv")[:2] == (0, "")
    assert (tmp_path / "answer.csv").read_text() == said["csv"][1]


@pytest.mark.parametrize("pattern, found", [("a.png", 1), ("*.png", 1), ("*.[pP]*", 2), (".", 3), ("**/*.jpg", 1)])
def test_files_folders_and_patterns_are_found(call, folder, pattern, found):
    code, out, _ = call(HERE, "read", folder / pattern, "--format", "json")
    assert code == 0 and len(json.loads(out)) == found


def test_a_folder_s_other_files_are_named_and_hidden_ones_passed_over(call, tmp_path, scenes):
    for suffix in ("png", "webp", "tif", "bmp", "gif", "jfif", "jpeg", "ppm"):
        Image.fromarray(255 - scenes.images[0]).save(tmp_path / f"a.{suffix}")
    for name in ("._x.png", ".hidden.png", "read.me"):
        (tmp_path / name).write_bytes(b"no image")
    (tmp_path / "more.png").mkdir()
    Image.fromarray(scenes.images[1]).save(tmp_path / "more.png" / "b.png")
    code, out, err = call(HERE, "read", tmp_path, "--format", "text")
    assert code == 0 and out.splitlines() == ["".join(map(str, scenes.digits[0]))] * 8
    assert len(err.splitlines()) == 2 and "more.png" in err and "read.me" in err
    code, out, err = call(HERE, "read", tmp_path, "--recursive", "--format", "text")
    assert code == 0 and len(out.splitlines()) == 9 and len(err.splitlines()) == 1


def _kinds(ink):
    """One scene in the ways that people have it, and how far its grey levels may then be off."""
    light = 255 - ink
    transparent = cv2.merge([np.zeros_like(ink)] * 3 + [ink])
    noisy = cv2.cvtColor((40 + 0.7 * light).astype(np.uint8), cv2.COLOR_GRAY2BGR)
    return {
        "dark_on_white.png": (light, 0),
        "colour.png": (cv2.cvtColor(ink, cv2.COLOR_GRAY2BGR), 0),
        "transparent.png": (transparent, 1),
        "sixteen_bit.png": (ink.astype(np.uint16) * 257, 0),
        "ten_bit.png": (np.round(ink * (1023 / 255)).astype(np.uint16), 0),
        "deep_colour.png": (np.stack([65535 - ink.astype(np.uint16) * 257] * 3, axis=-1), 0),
        "photo.jpg": (noisy, 85),
    }


@pytest.mark.parametrize("name", _kinds(np.zeros((84, 84), np.uint8)))
def test_images_as_people_have_them_are_read_alike(project, call, tmp_path, scenes, name):
    image, off = _kinds(scenes.images[0])[name]
    cv2.imwrite(str(tmp_path / "plain.png"), scenes.images[0])
    cv2.imwrite(str(tmp_path / name), image)
    gap = np.abs(load_image(tmp_path / name).astype(int) - scenes.images[0])
    assert gap.max() <= off
    code, out, _ = call(project, "read", tmp_path / name, tmp_path / "plain.png", "--format", "json", "--as", "scene")
    one, other = json.loads(out)
    assert code == 0 and one["text"] == other["text"] == "".join(map(str, scenes.digits[0]))
    if off == 0:
        assert one["digit_confidence"] == other["digit_confidence"]


def test_the_installed_command_prints_nothing_but_its_answer(tiny, folder, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    done = command(tiny.project, "digitkit", "read", folder, "--run", RUN, "--format", "csv")
    assert done.returncode == 0 and done.stderr.count("\n") == 1 and "notes.txt" in done.stderr, done.stderr
    assert len(list(csv.DictReader(io.StringIO(done.stdout)))) == 3


def test_the_shipped_reader_needs_no_run(call, project, tmp_path):
    scenes = compose(load_glyphs(), "ladder14", 8, seed=9)
    for k, image in enumerate(scenes.images):
        cv2.imwrite(str(tmp_path / f"{k}.png"), 255 - image)
    code, out, err = call(project, "read", tmp_path, "--format", "json")
    assert code == 0, err
    right = [row["text"] == truth for row, truth in zip(json.loads(out), number(scenes.digits))]
    assert sum(right) >= 6  # 0.97 of such scenes; a fresh network reads one in a thousand
    sizes = [path.stat().st_size for path in SHIPPED.iterdir()]
    assert max(sizes) < 5_000_000 and sum(sizes) < 10_000_000


def test_the_shipped_reader_answers_as_its_keras_weights():
    from digitkit.reader import Reader

    images = compose(load_glyphs(), "crowd", 64, seed=9).images
    ours, theirs = Reader.default().read(images), Reader.load(SHIPPED).read(images)
    assert (ours.digits == theirs.digits).all()
    np.testing.assert_allclose(ours.probs, theirs.probs, atol=1e-3)  # its weights are kept as float16


def test_an_exported_reader_answers_alike(tiny, call, tmp_path, scenes):
    cv2.imwrite(str(tmp_path / "image.png"), scenes.images[0])
    code, _, err = call(tiny.project, "export", RUNS["whole images"], tmp_path / "reader.onnx")
    assert code == 0, err
    both = [
        json.loads(call(tiny.project, "read", tmp_path / "image.png", "--run", run, "--format", "json")[1])
        for run in (RUNS["whole images"], tmp_path / "reader.onnx")
    ]
    assert both[0][0]["text"] == both[1][0]["text"]


def test_a_picture_has_the_box_of_its_number_and_can_be_drawn(call, tmp_path):
    made = pictures("height", 1, 5, load_glyphs())[0]
    sheet, box = made.image, made.boxes[0].tolist()
    cv2.imwrite(str(tmp_path / "page.png"), sheet)
    code, out, err = call(HERE, "read", tmp_path / "page.png", "--format", "json", "--draw", tmp_path / "drawn")
    (row,) = json.loads(out)
    assert code == 0 and err == ""
    low = np.maximum(box[:2], row["box"][:2])
    high = np.minimum(np.add(box[:2], box[2:]), np.add(row["box"][:2], row["box"][2:]))
    shared = np.maximum(high - low, 0).prod()
    assert shared / (np.prod(box[2:]) + np.prod(row["box"][2:]) - shared) > 0.5
    drawn = cv2.imread(str(tmp_path / "drawn" / "page.png.png"))
    assert drawn.ndim == 3 and min(drawn.shape[:2]) >= min(sheet.shape[:2])


def test_scene_or_picture_can_be_forced(call, tmp_path, scenes):
    cv2.imwrite(str(tmp_path / "a.png"), 255 - scenes.images[0])
    cv2.imwrite(str(tmp_path / "page.png"), page(scenes.images[0])[0])
    told = {}
    for kind in ((), ("--as", "scene"), ("--as", "picture")):
        told[kind] = json.loads(call(HERE, "read", tmp_path / "a.png", "--format", "json", *kind)[1])
    assert told[()] == told["--as", "scene"]
    code, out, err = call(HERE, "read", tmp_path / "a.png", "--as", "picture", "--run", SHIPPED)
    assert (code, out) == (2, "") and err.count("\n") == 1


def test_a_promise_moves_what_is_sure_and_nothing_else(call, tmp_path, scenes):
    for k, image in enumerate(compose(load_glyphs(), "ladder10", 20, seed=3).images):
        cv2.imwrite(str(tmp_path / f"{k:02}.png"), image)
    said = [json.loads(call(HERE, "read", tmp_path, "--format", "json", "--sure", p)[1]) for p in ("0.9", "0.999")]
    sure = [[row.pop("sure") for row in rows] for rows in said]
    assert said[0] == said[1] and sum(sure[0]) >= sum(sure[1])
    assert all(easy or not hard for easy, hard in zip(*sure))
    for wrong in ("0", "1", "99", "nan"):
        code, out, err = call(HERE, "read", tmp_path, "--sure", wrong)
        assert (code, out) == (2, "") and "promise" in err


def test_pages_and_frames_are_pictures_of_their_own(call, tmp_path, scenes):
    frames = [Image.fromarray(255 - image) for image in scenes.images]
    for name in ("pages.tif", "frames.gif", "frames.webp", "frames.png"):
        lossless = {"lossless": True} if name.endswith("webp") else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **lossless)
        code, out, _ = call(HERE, "read", tmp_path / name, "--format", "json")
        rows = json.loads(out)
        assert code == 0 and [row["text"] for row in rows] == number(scenes.digits), name
        assert [os.path.basename(row["file"]) for row in rows] == [name, f"{name}#2", f"{name}#3"]


def _bad(folder, image):
    """Files that are no picture, and a word of the sentence that each is refused with."""
    noise = np.random.default_rng(0).integers(0, 255, (120, 160), np.uint8)
    for suffix in ("png", "jpg", "gif", "bmp", "tif", "webp", "ppm", "jp2"):
        whole = folder / f"cut.{suffix}"
        Image.fromarray(noise).save(whole)
        os.truncate(whole, whole.stat().st_size * 2 // 3)
    Image.fromarray(noise).save(folder / "hole.jpg", quality=95)
    data = (folder / "hole.jpg").read_bytes()
    (folder / "hole.jpg").write_bytes(data[:8000] + data[8800:])
    Image.fromarray(image[:3, :3]).save(folder / "small.png")
    Image.new("1", (50_000, 50_000)).save(folder / "bomb.png")
    Image.new("L", (10_000, 10_000)).save(folder / "large.jpg")
    Image.fromarray(np.full((20, 20), np.nan, np.float32)).save(folder / "nan.tif")
    (folder / "paper.pdf").write_bytes(b"%PDF-1.7 " + bytes(200))
    (folder / "letter.png").write_text("Dear reader, this is no image.")
    (folder / "empty.png").write_bytes(b"")
    os.mkfifo(folder / "pipe.png")
    with open(folder / "sparse.png", "wb") as file:
        file.truncate(2_000_000_000)
    words = {f"cut.{suffix}": "cut off" for suffix in ("png", "jpg", "gif", "bmp", "tif", "webp", "ppm", "jp2")}
    words |= {"hole.jpg": "lacks a piece", "small.png": "8x8", "bomb.png": "89 million", "large.jpg": "89 million"}
    words |= {"nan.tif": "nan", "paper.pdf": "PDF", "letter.png": "a text", "empty.png": "empty", "pipe.png": "a pipe"}
    return words | {"sparse.png": "300 MB"}


def test_bad_files_are_named_one_by_one_and_the_good_one_beside_them_is_answered(tmp_path, scenes):
    words = _bad(tmp_path, scenes.images[0])
    cv2.imwrite(str(tmp_path / "good.png"), scenes.images[0])
    names = [*words, "good.png"]
    began = time.monotonic()
    done = command(HERE, "digitkit", "read", *(tmp_path / name for name in names), "--format", "json")
    assert done.returncode == 1 and time.monotonic() - began < 20
    rows = {os.path.basename(row["file"]): row for row in json.loads(done.stdout)}
    assert list(rows) == names and rows["good.png"]["text"] == "".join(map(str, scenes.digits[0]))
    for name, word in words.items():
        assert word in rows[name]["error"] and name in rows[name]["error"], rows[name]
    said = done.stderr.splitlines()  # no line of a library among them
    assert len(said) == len(words) and all(line.startswith("digitkit: ") for line in said), done.stderr


def test_all_ink_and_all_paper_hold_no_number(call, tmp_path):
    for level in (0, 128, 255):
        cv2.imwrite(str(tmp_path / f"{level:03}.png"), np.full((200, 300, 3), level, np.uint8))
        cv2.imwrite(str(tmp_path / f"{level:03}s.png"), np.full((84, 84), level, np.uint8))
    code, out, err = call(HERE, "read", tmp_path, "--format", "json")
    assert (code, err) == (0, "")
    assert [(row["text"], row["confidence"], row["box"]) for row in json.loads(out)] == [("", 0, None)] * 6


@pytest.mark.parametrize("name", ["folder.png", "x" * 300, "nothing*.png"])
def test_an_argument_that_stands_for_no_file_is_a_wrong_call(call, tmp_path, name):
    (tmp_path / "folder.png").mkdir()
    code, out, err = call(HERE, "read", tmp_path / name)
    assert (code, out) == (2, "") and err.count("\n") == 1


def _shell(line, folder, **options):
    """A line of bash, with `digitkit` on its path, in a folder."""
    path = {"PATH": f"{BIN}:{os.environ['PATH']}"}
    options = dict(capture_output=True, text=True, timeout=120) | options
    return subprocess.run(["bash", "-c", line], cwd=folder, env=os.environ | path, **options)


def test_streams_of_the_shell(folder, scenes):
    text = "".join(map(str, scenes.digits[0])) + "\n"
    for line in ("digitkit read - --format text < a.png", "cat a.png | digitkit read /dev/stdin --format text"):
        done = _shell(line, folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, text, ""), line
    closed = _shell("digitkit read a.png --format text 2>&-", folder)
    assert (closed.returncode, closed.stdout) == (0, text)
    full = _shell("digitkit read a.png > /dev/full", folder)
    assert full.returncode == 2 and full.stderr.count("\n") == 1 and "No space" in full.stderr
    endless = _shell("digitkit read - < /dev/zero", folder)
    assert endless.returncode == 1 and "300 MB" in endless.stderr
    gone = _shell("digitkit read a.png b.PNG c.jpg --format csv | head -0", folder)
    assert gone.stderr == ""
    little = _shell("ulimit -v 200000; digitkit read a.png", folder)
    assert little.returncode == 2 and little.stderr.count("\n") == 1 and "memory" in little.stderr


def test_the_answer_never_replaces_a_picture(call, folder):
    before = (folder / "a.png").read_bytes()
    code, out, err = call(HERE, "read", folder / "a.png", "-o", folder / "a.png")
    assert (code, out) == (2, "") and (folder / "a.png").read_bytes() == before
    code, out, err = call(HERE, "read", folder / "a.png", "-o", folder)
    assert (code, out) == (2, "") and err.count("\n") == 1


MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def _many(folder, scenes, n):
    cv2.imwrite(str(folder / "00000.png"), cv2.resize(scenes.images[0], (128, 128)))  # as large as a scene may be
    for k in range(1, n):
        os.link(folder / "00000.png", folder / f"{k:05}.png")


def test_a_start_is_light_and_memory_does_not_grow_with_the_pictures(tmp_path, scenes):
    peaks = []
    for n in (1, 100, 700):  # a hundred fill its batches
        (tmp_path / str(n)).mkdir()
        _many(tmp_path / str(n), scenes, n)
        line = [sys.executable, "-c", MEASURED, BIN / "digitkit", "read", tmp_path / str(n), "--format", "jsonl"]
        code, peak = map(int, subprocess.run(line, capture_output=True, text=True).stdout.split())
        assert code == 0
        peaks.append(peak)
    assert peaks[0] < 150 and peaks[2] < peaks[0] + 60, peaks  # MB
    assert peaks[2] < peaks[1] + 15, peaks  # as pixels in colour 600 pictures are 29


def _told(channel, until=b"(?!)"):
    """What a terminal or a pipe is told, until a pattern is found in it, or to the end: by default nothing is found."""
    said = b""
    with suppress(OSError):  # there is no more to be told
        while not re.search(until, said) and select.select([channel], [], [], 60)[0]:
            if not (more := os.read(channel, 4096)):
                break
            said += more
    return said


def test_ctrl_c_leaves_what_was_read(tmp_path, scenes):
    (tmp_path / "in").mkdir()
    _many(tmp_path / "in", scenes, 10_000)
    for form, opened in {"jsonl": os.openpty, "json": os.openpty, "table": os.pipe}.items():
        channel, end = opened()  # a terminal is told at once how far the reading is, a pipe after seconds
        if os.isatty(end):
            termios.tcsetwinsize(end, (24, 80))
        with open(tmp_path / "out", "w") as out:
            line = [BIN / "digitkit", "read", tmp_path / "in", "--format", form]
            reading = subprocess.Popen(line, stdout=out, stderr=end)
        os.close(end)
        err = _told(channel, rb"[1-9]\d+/10000")
        reading.send_signal(signal.SIGINT)  # it is among them
        err += _told(channel)
        os.close(channel)
        assert reading.wait(20) == 130 and b"Traceback" not in err and b"stopped" in err, err
        told = (tmp_path / "out").read_text()
        rows = json.loads(told) if form == "json" else told.splitlines()
        assert 32 <= len(rows) < 10_000
        if form == "jsonl":
            assert all(json.loads(row)["text"] for row in rows)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="without /proc nobody sees what a process has loaded")
@pytest.mark.parametrize("library", ["numpy", "cv2", "onnxruntime"])
def test_ctrl_c_while_it_starts_is_one_line_at_most(folder, library):
    pipe = subprocess.PIPE
    started = subprocess.Popen([BIN / "digitkit", "read", folder], stderr=pipe, stdout=pipe, text=True)
    maps, limit = Path(f"/proc/{started.pid}/maps"), time.monotonic() + 60
    while f"/{library}/" not in maps.read_text() and started.poll() is None and time.monotonic() < limit:
        time.sleep(0.005)  # until it imports this one
    started.send_signal(signal.SIGINT)
    err = started.communicate(timeout=20)[1]
    assert started.returncode in (130, 0) and "Traceback" not in err and err.count("\n") <= 2, err


def test_more_than_a_hundred_pictures_show_how_far_it_is(tmp_path, scenes):
    _many(tmp_path, scenes, 101)
    done = command(HERE, "digitkit", "read", tmp_path, "--format", "csv")
    assert done.returncode == 0 and "101/101" in done.stderr
    assert command(HERE, "digitkit", "read", tmp_path / "00001.png").stderr == ""


def _spoilt(change):
    """The shipped ONNX file with its numbers changed, as bytes."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(SHIPPED / "reader.onnx")
    change(onnx, numpy_helper, model)
    return model.SerializeToString()


def _nan(onnx, helper, model):
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(helper.from_array(helper.to_array(tensor) * np.float32("nan"), tensor.name))


def _elsewhere(onnx, helper, model):
    tensor = max(model.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")


def _without_facts(onnx, helper, model):
    del model.metadata_props[:]


@pytest.mark.parametrize("change", [_nan, _elsewhere, _without_facts])
def test_an_onnx_file_that_is_no_reader_is_one_sentence(call, folder, change):
    (folder / "reader.onnx").write_bytes(_spoilt(change))
    code, out, err = call(folder, "read", "a.png", "--run", "reader.onnx")
    assert (code, out) == (2, "") and err.count("\n") == 1 and "reader.onnx" in err, err


def _network(kind):
    """A Keras network that is no reader's."""
    import keras

    image = keras.Input((84, 84, 1))
    flat = keras.layers.Flatten()(keras.layers.AveragePooling2D(12)(image))
    answer = keras.layers.Dense(55, activation="softmax")(flat)
    shaped = keras.layers.Reshape((5, 11))(answer)
    network = keras.Model(image, {"two": [shaped, shaped], "flat": answer, "nan": shaped}[kind])
    network.set_weights([weights * np.nan for weights in network.get_weights()])
    return network


@pytest.mark.parametrize("kind, words", [("two", "slots"), ("flat", "slots"), ("nan", "probabilities")])
def test_a_keras_file_that_is_no_reader_is_one_sentence(call, folder, kind, words):
    shutil.copytree(SHIPPED, folder / "run")
    _network(kind).save(folder / "run" / "model.keras")
    code, out, err = call(HERE, "read", folder / "a.png", "--run", folder / "run")
    assert (code, out) == (2, "") and err.count("\n") == 1 and words in err, err


def test_a_reader_can_be_seen():
    from digitkit.reader import Reader

    methods = ("find", "find_all", "read", "probs", "prepare", "pixels", "targets", "save", "load", "default")
    for name in methods:
        assert getattr(Reader, name).__doc__ and "return" in typing.get_type_hints(getattr(Reader, name)), name
        assert getattr(Reader, name).__qualname__.endswith(f".{name}")  # it stands in a class body
    assert (files("digitkit") / "py.typed").is_file()


def test_python_takes_arrays_images_and_paths_and_a_blank_one_costs_nothing(tmp_path, scenes):
    from digitkit.reader import Reader

    reader = Reader.default()
    cv2.imwrite(str(tmp_path / "a.png"), 255 - scenes.images[0])
    text = "".join(map(str, scenes.digits[0]))
    for door in (
        scenes.images[0],
        Image.fromarray(255 - scenes.images[0]),
        tmp_path / "a.png",
        str(tmp_path / "a.png"),
    ):
        assert reader.find(door).texts == [text] == number(reader.read(door).digits)
    blank = np.zeros((84, 84), np.uint8)
    beside = reader.read([blank, scenes.images[0]])
    assert number(beside.digits) == ["", text] and beside.confidence[0] == 0
    assert [found.texts for found in reader.find_all([blank, scenes.images[0]])] == [[], [text]]
    assert "<img" in reader.find(scenes.images[0])._repr_html_()
