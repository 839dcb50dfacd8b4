"""Sets of scenes from the command line: built, killed, spoilt, converted and audited."""

import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import h5py
import numpy as np
import pytest
from conftest import BIN, change_settings, command, copy_project
from PIL import Image
from test_faults import disk, is_one_sentence  # noqa: F401

from digitkit.composing import compose
from digitkit.formats import save_set
from digitkit.glyphs import load_glyphs, split_glyphs
from digitkit.project import InputError
from digitkit.reference import reference_scenes
from digitkit.scenes import Scenes
from digitkit.sets import load_set
from digitkit.store import Store, save_scenes

LAYOUTS = ["ladder(10,28)+triple", "obscured(rotation=20,noise=9,digits=1:3)", "sabour6", "strings"]


def build(folder, *arguments):
    return "scenes", "build", folder, "--layout", "ladder14", *arguments


@pytest.fixture
def leaky():
    """The reference's set on the embedded digits: 640, 160 and 200 scenes."""
    return reference_scenes(load_glyphs(), per_number=1)


@pytest.fixture
def tree(leaky, tmp_path):
    save_set(leaky, tmp_path / "tree", "png")
    return tmp_path / "tree"


# ------------------------------------------------------------------ building


@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_pieces_in_any_processes_give_the_same_scenes(layout):
    glyphs = split_glyphs(load_glyphs())["train"]
    rng = np.random.default_rng(0)
    edges = [0, *np.sort(rng.choice(np.arange(1, 600), 5, replace=False)).tolist(), 600]
    pieces = [(stop - start, start) for start, stop in zip(edges, edges[1:])]
    with ProcessPoolExecutor(2) as workers:
        made = {start: workers.submit(partial(compose, glyphs, layout, n, 7, start)) for n, start in reversed(pieces)}
        joined = Scenes.join([made[start].result() for _, start in pieces])
    for name, array in compose(glyphs, layout, 600, seed=7).known().items():
        np.testing.assert_array_equal(joined.known()[name], array, strict=True)


def test_a_killed_build_leaves_no_set_and_the_next_gives_the_same_bytes(project, tmp_path):
    arguments = build(tmp_path / "killed", "--train", 8_000)
    process = subprocess.Popen([BIN / "digitkit", *map(str, arguments)], cwd=project, stderr=subprocess.DEVNULL)
    limit = time.monotonic() + 60
    while time.monotonic() < limit and not any(p.stat().st_size > 10_000 for p in tmp_path.glob("killed/.*")):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert [path.name[:7] for path in (tmp_path / "killed").iterdir()] == [".train-"]
    again, other = command(project, "digitkit", *arguments), build(tmp_path / "other", "--train", 8_000)
    assert again.returncode == command(project, "digitkit", *other).returncode == 0, again.stderr
    assert [path.name for path in (tmp_path / "killed").iterdir()] == ["train.h5"]
    assert (tmp_path / "killed/train.h5").read_bytes() == (tmp_path / "other/train.h5").read_bytes()


def test_ctrl_c_in_a_build_leaves_nothing(project, tmp_path):
    arguments = build(tmp_path / "set", "--train", 300_000)
    process = subprocess.Popen([BIN / "digitkit", *map(str, arguments)], cwd=project, stderr=subprocess.PIPE, text=True)
    limit = time.monotonic() + 60
    while time.monotonic() < limit and not list(tmp_path.glob("set/.*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "Traceback" not in err
    assert not list((tmp_path / "set").iterdir())


BUILDS = [
    (("--train", 0), "expected at least 1 in --train, --val or --test, got none"),
    (("--train", -3), "expected at least 1 in --train, --val or --test, got --train -3"),
    (("--train", 5, "--layout", "ladder(10,40)"), "lower the pitch to 28"),
    (("--train", 5, "--layout", "strings(digits=1:8)"), "lower the pitch to 7"),
    (("--train", 5, "--layout", "sabour6(jitter=20)"), "lower the jitter to 6"),
    (("--train", 5, "--layout", "ladder14(jitter=-5)"), "expected jitter from 0 to 256, got -5"),
    (("--train", 5, "--layout", "ladder14(noise=nan)"), "expected noise from 0 to 128, got nan"),
    (("--train", 5, "--seed", -1), "expected a seed from 0 to 2**60, got -1"),
    (("--train", 5, "--layout", "laddre14"), "unknown layout 'laddre14'. Did you mean 'ladder14'?"),
    (("--train", 5, "--glyphs", "seven.npz"), "expected glyphs of all ten digits, got none of [7]"),
    (("--train", 5, "--protocol", "onest"), "unknown protocol 'onest'. Did you mean 'honest'?"),
]


@pytest.mark.parametrize("arguments, expected", BUILDS, ids=lambda value: str(value)[:45])
def test_a_build_that_cannot_be_is_one_sentence(project, call, tmp_path, arguments, expected):
    glyphs = load_glyphs().subset(load_glyphs().labels != 7)
    np.savez(project / "seven.npz", images=glyphs.images, labels=glyphs.labels)
    code, out, err = call(project, *build(tmp_path / "set", *arguments))
    assert (code, out) == (2, "") and is_one_sentence(err) and expected in err, err
    assert not list(tmp_path.glob("set/*"))


def test_a_full_disk_ends_a_build_with_one_sentence(project, call, tmp_path, disk):  # noqa: F811
    disk.full_at(50_000)
    code, out, err = call(project, *build(tmp_path / "set", "--train", 2000))
    disk.free()
    assert (code, out) == (2, "") and is_one_sentence(err) and "File too large" in err, err
    assert not list((tmp_path / "set").iterdir())
    assert call(project, *build(tmp_path / "set", "--train", 2000))[0] == 0


@pytest.mark.parametrize("write", [save_scenes, lambda path, scenes: save_set({"a": scenes}, path, "png")])
def test_a_read_only_folder_is_one_sentence(write):
    scenes = compose(load_glyphs(), "triple", 5)
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        try:
            os.seteuid(os.geteuid() or 65_534)  # root may write anywhere
            with pytest.raises(InputError, match="cannot write .*Permission denied"):
                write(Path(folder) / "set", scenes)
        finally:
            os.seteuid(os.getuid())
        assert not os.listdir(folder)


def test_another_set_under_the_name_is_not_replaced(project, call, tmp_path):
    assert call(project, *build(tmp_path / "set", "--train", 50))[0] == 0
    before = (tmp_path / "set/train.h5").read_bytes()
    code, _, err = call(project, *build(tmp_path / "set", "--train", 60))
    assert code == 2 and "holds another set" in err and (tmp_path / "set/train.h5").read_bytes() == before


# ------------------------------------------------------------------ auditing


def test_the_audit_of_a_bare_tree_finds_the_leak_and_ends_with_1(project, call, leaky, tree, tmp_path):
    code, out, err = call(project, "audit", tree, "--json", "--figure", tmp_path / "audit.png")
    seen = np.isin(leaky["test"].glyph_ids, np.concatenate([leaky["train"].glyph_ids, leaky["val"].glyph_ids])).mean()
    found = json.loads(out)
    assert (code, err) == (1, "") and abs(found["leak"] - seen) < 0.03
    assert cv2.imread(str(tmp_path / "audit.png")) is not None
    code, out, _ = call(project, "audit", tree, "--threshold", 0.99)
    assert code == 0 and "within the threshold of 99 %" in out


def test_the_audit_of_an_honest_set_finds_nothing(project, call, tmp_path):
    options = ["--layout", "triple", "--train", 500, "--val", 100, "--test", 100]
    assert call(project, "scenes", "build", tmp_path / "set", *options)[0] == 0
    code, out, _ = call(project, "audit", tmp_path / "set")
    assert code == 0 and "leak: 0 of 100 images of val are in train, within the threshold of 0 %." in out


@pytest.mark.parametrize("seed", range(3))
def test_the_line_of_the_readme_makes_an_honest_set(project, call, tmp_path, seed):
    sizes = ["--train", 6000, "--val", 500, "--test", 500, "--seed", seed]
    assert call(project, *build(tmp_path / "set", *sizes))[0] == 0
    code, out, _ = call(project, "audit", tmp_path / "set")
    assert code == 0 and "within the threshold of 0 %" in out, out


def test_a_stray_pixel_is_no_digit_that_was_seen(project, call, tmp_path):
    for split, seed in (("train", 1), ("test", 2)):
        scenes = compose(split_glyphs(load_glyphs())[split], "triple", 20, seed)
        images = np.zeros((20, 84, 112), np.uint8)
        images[:, :, :84], images[:, 40, 100] = scenes.images, 200  # a fourth part, the same in all
        save_scenes(tmp_path / f"set/{split}.h5", Scenes(images, np.insert(scenes.digits, 3, 1, axis=1)), split=split)
    code, out, _ = call(project, "audit", tmp_path / "set")
    assert code == 0 and "only 120 of 160 digits could be cut out at empty columns, with enough ink" in out, out


COPIES = {
    "as JPEG": lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0),
    "halved and enlarged": lambda image: cv2.resize(cv2.resize(image, (42, 42), interpolation=3), (84, 84)),
    "half as large": lambda image: cv2.resize(image, (42, 42), interpolation=cv2.INTER_AREA),
    "dimmed": lambda image: (image * 0.4).astype(np.uint8),
}  # fmt: skip


@pytest.mark.parametrize("kind", COPIES)
@pytest.mark.parametrize("layout", ["triple", "ladder14"])
def test_copies_that_were_changed_are_found(project, call, tmp_path, kind, layout):
    parts = split_glyphs(load_glyphs())
    train, other = compose(parts["train"], layout, 300, 1), compose(parts["test"], layout, 200, 2)
    images = [COPIES[kind](image) for image in np.concatenate([train.images[:100], other.images])]
    digits = np.concatenate([train.digits[:100], other.digits])
    save_scenes(tmp_path / "set/train.h5", Scenes(train.images, train.digits), split="train")
    save_scenes(tmp_path / "set/test.h5", Scenes(np.stack(images), digits), split="test")
    code, out, _ = call(project, "audit", tmp_path / "set", "--json")
    (pair,) = json.loads(out)["pairs"]
    assert code == 1 and pair["images"] == 0 and pair["shared"]["copies"] == 100
    code, out, _ = call(project, "audit", tmp_path / "set")
    assert code == 1 and "100 of 300 scenes of test are copied from train" in out


def test_the_reference_command_writes_the_generators_tree(project, call, leaky, tmp_path):
    options = ["--per-number", 1, "--glyphs", "embedded", "--format", "png"]
    assert call(project, "scenes", "reference", tmp_path / "set", *options)[0] == 0
    files = sorted(path.relative_to(tmp_path / "set") for path in (tmp_path / "set").rglob("*.png"))
    assert len(files) == 1000 and all(file.name == f"0_{file.parts[1]}.png" for file in files)
    first = cv2.imread(str(tmp_path / "set" / files[0]), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(first, leaky["test"].images[0], strict=True)


def test_images_of_every_kind_are_the_same_set(tree, leaky):
    def change(path, save):
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        save(image, path)

    files = sorted((tree / "test").rglob("*.png"))
    rgba = lambda image, path: cv2.imwrite(str(path), np.dstack([image] * 3 + [np.full_like(image, 255)]))  # noqa: E731
    palette = lambda image, path: Image.fromarray(image).convert("P").save(path)  # noqa: E731
    sixteen = lambda image, path: cv2.imwrite(str(path), image.astype(np.uint16) * 257)  # noqa: E731
    inverted = lambda image, path: cv2.imwrite(str(path), 255 - image)  # noqa: E731
    for path, save in zip(files, (rgba, palette, sixteen, inverted)):
        change(path, save)
    np.testing.assert_array_equal(load_set(tree)["test"].read().images, leaky["test"].images, strict=True)


def _stray(tree):
    (tree / "train/001").mkdir(exist_ok=True)
    (tree / "train/001/notes.txt").write_text("hello")


def _small(tree):
    cv2.imwrite(str(next((tree / "train").rglob("*.png"))), np.full((40, 40), 9, np.uint8) * np.eye(40, dtype=np.uint8))


def _cut_off(tree):
    path = next((tree / "val").rglob("*.png"))
    path.write_bytes(path.read_bytes()[:-20])


TREES = {
    "a stray file": (_stray, "notes.txt"),
    "another size": (_small, "expected"),
    "a folder that is no number": (lambda tree: (tree / "val/1x2").mkdir(), "1x2"),
    "an empty split": (lambda tree: (tree / "extra").mkdir(), "extra"),
    "an empty folder": (lambda tree: (tree / "test/9999").mkdir(), "9999"),
    "an image cut off": (_cut_off, "cut off"),
}  # fmt: skip


@pytest.mark.parametrize("kind", TREES)
def test_a_spoilt_tree_is_one_sentence(project, call, tree, kind):
    spoil, expected = TREES[kind]
    spoil(tree)
    code, out, err = call(project, "audit", tree)
    assert (code, out) == (2, "") and is_one_sentence(err) and expected in err, err


def _truncated(path):
    path.write_bytes(path.read_bytes()[:9000])


def _foreign(path):
    with h5py.File(path, "w") as file:
        file["weights"] = np.zeros(3)


def _damaged(path):
    data = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file["images"].id.get_chunk_info(0)
    data[chunk.byte_offset : chunk.byte_offset + 400] = b"\xff" * 400
    path.write_bytes(data)


STORES = {"truncated": _truncated, "foreign": _foreign, "text": lambda path: path.write_text("x"), "damaged": _damaged}


@pytest.mark.parametrize("kind", STORES)
def test_a_spoilt_store_is_one_sentence(project, call, leaky, tmp_path, kind):
    save_set(leaky, tmp_path / "set", "h5")
    STORES[kind](tmp_path / "set/test.h5")
    code, out, err = call(project, "audit", tmp_path / "set")
    assert (code, out) == (2, "") and is_one_sentence(err) and "test.h5" in err, err


def test_a_set_whose_digits_cannot_be_compared_is_not_called_clean(project, call, tmp_path):
    for split in ("train", "test"):
        layout = "ladder(6,8)"  # nothing to cut, and a tree knows no ids
        save_set({split: compose(load_glyphs(), layout, 20, seed=len(split))}, tmp_path / split, "png")
        shutil.copytree(tmp_path / split / split, tmp_path / "set" / split)
    code, out, _ = call(project, "audit", tmp_path / "set")
    assert code == 1 and "no digits could be compared between train and test: this set is not judged." in out


def test_ids_of_two_sources_are_not_compared_as_one(project, call, leaky, tmp_path):
    for split, glyphs in (("train", "embedded"), ("test", "elsewhere")):
        save_scenes(tmp_path / f"set/{split}.h5", leaky[split], split=split, glyphs=glyphs)
    code, out, _ = call(project, "audit", tmp_path / "set")
    assert code == 1 and "not known for every pair, and so not judged: glyphs." in out


def test_a_store_that_is_replaced_while_it_is_read_says_so(leaky, tmp_path):
    save_scenes(tmp_path / "a.h5", leaky["train"])
    blocks = Store(tmp_path / "a.h5").blocks(100)
    next(blocks)
    save_scenes(tmp_path / "a.h5", leaky["test"])
    with pytest.raises(InputError, match="was replaced by another set while it was read"):
        next(blocks)


def test_readers_of_three_digits_refuse_scenes_with_empty_slots(project, monkeypatch):
    from digitkit.reader import build_reader
    from digitkit.settings_file import load_config

    monkeypatch.chdir(project)
    with pytest.raises(InputError, match="takes scenes of 3 digits each, got up to 5, some of them blank"):
        build_reader(load_config("tiny", "small")).targets(compose(load_glyphs(), "strings", 50).digits)


def test_a_set_with_one_split_cannot_be_audited(project, call, tmp_path):
    save_scenes(tmp_path / "one.h5", compose(load_glyphs(), "triple", 5), split="train")
    code, out, err = call(project, "audit", tmp_path / "one.h5")
    assert (code, out) == (2, "") and "at least two splits, got train" in err


# ------------------------------------------------------------------ from elsewhere, and to elsewhere


def test_the_well_known_hdf5_becomes_stores(project, call, tmp_path):
    scenes = compose(load_glyphs(), "strings", 60, seed=2)
    with h5py.File(tmp_path / "MNIST_synthetic.h5", "w") as file:
        file["train_dataset"], file["train_labels"] = scenes.images[..., None], scenes.digits
        file["test_dataset"] = scenes.images[:10, ..., None]
    code, _, err = call(
        project, "scenes", "export", tmp_path / "MNIST_synthetic.h5", tmp_path / "set", "--format", "h5"
    )
    assert code == 0, err
    np.testing.assert_array_equal(Store(tmp_path / "set/train.h5").read().digits, scenes.digits, strict=True)
    np.testing.assert_array_equal(Store(tmp_path / "set/test.h5").read().images, scenes.images[:10], strict=True)
    code, out, err = call(project, "audit", tmp_path / "set", "--json")
    assert code == 1 and json.loads(out)["pairs"][0]["images"] == 1


def test_wrong_arguments_of_the_set_commands_are_one_sentence(project, call, tree, tmp_path):
    wrong = {
        ("export", tree, tmp_path / "a", "--format", "pgn"): "unknown format 'pgn'. Did you mean 'png'?",
        ("export", tree, tmp_path / "a", "--format", "coco"): "needs the boxes",
        ("export", tree, tree.parent, "--format", "h5"): "holds something",
        ("export", tree, tree, "--format", "h5"): "expected a place outside the set",
        ("show", tree, tmp_path / "a.png", "--split", "tset"): "unknown split 'tset'. Did you mean 'test'?",
        ("show", tree, tmp_path / "a.h5"): "expected a PNG file to write",
        ("show", tree, tmp_path): "expected a PNG file to write",
        ("info", tmp_path / "nowhere"): "expected a set of scenes, got nothing",
        ("reference", tmp_path / "a", "--slots", "9", "--glyphs", "embedded"): "expected slots in 1..5",
        ("reference", tmp_path / "a", "--per-number", 10**9, "--glyphs", "embedded"): "1 to 10,000,000 images in all",
    }
    for arguments, expected in wrong.items():
        code, out, err = call(project, "scenes", *arguments)
        assert (code, out) == (2, "") and is_one_sentence(err) and expected in err, err
    assert not (tmp_path / "a").exists() and not Path(tmp_path / "a.png").exists()


@pytest.mark.parametrize("command", ["show", "export", "audit"])
def test_nothing_is_written_into_the_set_that_is_read(project, call, leaky, tmp_path, command):
    save_set(leaky, tmp_path / "set", "h5")
    line = {
        "show": ("scenes", "show", tmp_path / "set", tmp_path / "set/a.png"),
        "export": ("scenes", "export", tmp_path / "set", tmp_path / "set/x", "--format", "png"),
        "audit": ("audit", tmp_path / "set", "--figure", tmp_path / "set/a.png"),
    }[command]
    code, out, err = call(project, *line)
    assert (code, out) == (2, "") and is_one_sentence(err) and "expected a place outside the set" in err
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["test.h5", "train.h5", "val.h5"]


def test_a_csv_export_is_a_set_again(project, call, tmp_path):
    scenes = {"train": compose(load_glyphs(), "strings", 40, 1), "test": compose(load_glyphs(), "strings", 9, 2)}
    save_set(scenes, tmp_path / "set", "h5")
    assert call(project, "scenes", "export", tmp_path / "set", tmp_path / "csv", "--format", "csv")[0] == 0
    code, out, _ = call(project, "scenes", "info", tmp_path / "csv", "--json")
    facts = [(row["split"], row["scenes"], row["size"]) for row in json.loads(out)]
    assert code == 0 and facts == [("train", 40, "64x64"), ("test", 9, "64x64")]
    for split, read in load_set(tmp_path / "csv").items():
        np.testing.assert_array_equal(read.read().images, scenes[split].images, strict=True)
        np.testing.assert_array_equal(read.read().digits, scenes[split].digits, strict=True)


def _external(path):
    path.with_suffix(".bin").write_bytes(bytes(5 * 84 * 84))
    with h5py.File(path, "a") as file:
        del file["images"]
        parts = [(str(path.with_suffix(".bin")), 0, 5 * 84 * 84)]
        file.create_dataset("images", (5, 84, 84), np.uint8, external=parts)


def _linked(path):
    os.rename(path, path.with_suffix(".other"))
    with h5py.File(path.with_suffix(".other")) as other, h5py.File(path, "w") as file:
        file.attrs.update(other.attrs)
        for name in other:
            file[name] = h5py.ExternalLink(str(path.with_suffix(".other")), name)


def _hollow(path):
    with h5py.File(path, "a") as file:
        for name, array in [(name, file[name]) for name in file]:
            kind, shape = array.dtype, array.shape[1:]
            del file[name]
            file.create_dataset(name, (10**12, *shape), kind, chunks=(64, *shape))


LIES = {
    "elsewhere": (_external, "got one that lies in another file"),
    "a link": (_linked, "got a link"),
    "10^12 rows": (_hollow, "expected an array that is filled"),
}


@pytest.mark.parametrize("kind", LIES)
def test_a_store_that_holds_nothing_itself_is_refused(project, call, tmp_path, kind):
    lie, expected = LIES[kind]
    for split in ("train", "test"):
        save_scenes(tmp_path / f"{split}.h5", compose(load_glyphs(), "triple", 5), split=split)
    lie(tmp_path / "test.h5")
    (tmp_path / "set").mkdir()
    for split in ("train", "test"):
        os.rename(tmp_path / f"{split}.h5", tmp_path / f"set/{split}.h5")
    for line in (("audit", tmp_path / "set"), ("scenes", "info", tmp_path / "set/test.h5")):
        code, out, err = call(project, *line)
        assert (code, out) == (2, "") and is_one_sentence(err) and expected in err and "test.h5" in err, err


def test_what_is_too_large_to_be_true_is_refused_before_it_is_read(project, call, tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("images.npy", "w") as f,
    ):
        for _ in range(1100):
            f.write(bytes(10**6))
    for option, value in (("--glyphs", tmp_path / "bomb.npz"), ("--layout", "+".join(["triple"] * 200_000))):
        options = {"--layout": "triple", "--train": 5} | {option: value}
        line = [word for pair in options.items() for word in pair]
        code, out, err = call(project, "scenes", "build", tmp_path / "set", *line)
        assert (code, out) == (2, "") and is_one_sentence(err) and "expected" in err and "at most" in err, err
    for key, value in (("seeds", 10**9), ("layouts", "+".join(["triple"] * 200_000))):
        change_settings(copy := copy_project(tmp_path / key), "profile:tiny", **{key: value})
        code, out, err = call(copy, "report", "--profile", "tiny")
        assert code == 2 and is_one_sentence(err) and f"{key} expects" in err, err


@pytest.mark.parametrize("splits", [("train", "val"), ("train", "test"), ("a", "b")])
def test_detectors_tools_find_their_splits(tmp_path, splits):
    yaml = pytest.importorskip("yaml")
    save_set({split: compose(load_glyphs(), "triple", 3) for split in splits}, tmp_path / "yolo", "yolo")
    data = yaml.safe_load((tmp_path / "yolo/data.yaml").read_text())
    for key in ("train", "val", *splits):  # Ultralytics refuses a file without the first two
        assert len(list((tmp_path / "yolo" / data[key]).glob("*.png"))) == 3
    assert data["names"] == {digit: str(digit) for digit in range(10)}


def test_pycocotools_read_what_is_exported(tmp_path):
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    scenes = compose(load_glyphs(), "strings", 20, seed=3)
    save_set({"train": scenes}, tmp_path / "coco", "coco")
    read = coco.COCO(tmp_path / "coco/annotations/instances_train.json")
    assert read.getCatIds() == list(range(1, 11)) and read.cats[8]["name"] == "7"
    for k, image in enumerate(read.loadImgs(sorted(read.getImgIds()))):
        found = read.loadAnns(read.getAnnIds(imgIds=image["id"], iscrowd=False))
        digits = [int(read.cats[one["category_id"]]["name"]) for one in found]
        assert digits == scenes.digits[k][scenes.digits[k] != 10].tolist()
        assert [one["bbox"] for one in found] == scenes.boxes[k][: len(found)].tolist()
    from pycocotools.cocoeval import COCOeval

    answers = [
        {key: one[key] for key in ("image_id", "category_id", "bbox")} | {"score": 1} for one in read.anns.values()
    ]
    judge = COCOeval(read, read.loadRes(answers), "bbox")
    judge.evaluate(), judge.accumulate(), judge.summarize()
    assert judge.stats[0] == 1  # the boxes themselves, as answers


def test_a_digit_that_is_there_twice_is_in_no_honest_split(tmp_path, call):
    """Fault: a file holds each digit four times. Right: `honest` is refused with what to do; `pooled` takes it."""
    digits = load_glyphs("embedded").subset(np.tile(np.arange(0, 5000, 10), 4))
    np.savez(tmp_path / "again.npz", images=digits.images, labels=digits.labels)
    build = ("scenes", "build", "set", "--layout", "triple", "--test", "5", "--glyphs", "again.npz")
    code, _, err = call(tmp_path, *build)
    assert code == 2 and "1,500 of 2,000 are another one byte for byte" in err and not (tmp_path / "set").exists()
    assert call(tmp_path, *build, "--protocol", "pooled")[0] == 0
