"""`digitkit score`: sets as people have them, the same numbers as the report's, and every kind of mistake."""

import gzip
import json
import struct
import subprocess
import sys

import cv2
import h5py
import numpy as np
import pytest
from conftest import HERE, command
from test_faults import is_one_sentence

from digitkit.answers import Answers
from digitkit.composing import compose
from digitkit.formats import save_set
from digitkit.glyphs import load_glyphs, split_glyphs
from digitkit.labels import number
from digitkit.metrics import METRICS, score_intervals
from digitkit.mistakes import confusion
from digitkit.pictures import pictures
from digitkit.reader import Reader

SHIPPED = HERE / "digitkit/shipped/reader.onnx"


@pytest.fixture(scope="module")
def photos():
    """Twelve pictures of numbers in handwriting."""
    glyphs = split_glyphs(load_glyphs())["test"]
    return [photo for kind in ("digits", "ink", "pen") for photo in pictures(kind, 4, seed=21, glyphs=glyphs)]


@pytest.fixture
def folder(tmp_path, photos):
    """The pictures as files in a folder, not yet with a table."""
    (tmp_path / "set").mkdir()
    for k, photo in enumerate(photos):
        cv2.imwrite(
            str(tmp_path / f"set/{k:02d}.png"), photo.image[..., ::-1] if photo.image.ndim == 3 else photo.image
        )
    return tmp_path / "set"


@pytest.fixture(scope="module")
def scenes():
    return compose(split_glyphs(load_glyphs())["test"], "ladder14", 300, seed=5)  # more than a block of 256


def scored(call, *arguments):
    """Exit code, what was printed as JSON, and what was said."""
    code, out, err = call(HERE, "score", *arguments, "--format", "json")
    return code, json.loads(out) if out else None, err


def table(folder, photos, form="{file},{text}", heading="file,number", name="labels.csv", **options):
    rows = [form.format(file=f"{k:02d}.png", text=photo.texts[0]) for k, photo in enumerate(photos)]
    (folder / name).write_text("\n".join([heading, *rows]) + "\n", **options)


# ------------------------------------------------------------------ the user's tables

SPELLINGS = {
    "comma": {},
    "semicolon, Excel in German": {"form": "{file};{text}", "heading": "Bild;Dateiname;Zahl", "encoding": "cp1252"},
    "tab, UTF-16": {"form": '"{file}"\t{text}', "heading": "File Name\tGround Truth", "encoding": "utf-16"},
    "bar, more columns": {"form": "x|./{file}|{text}|y", "heading": "id|IMAGE|Label|note"},
}
SPELLINGS["semicolon, Excel in German"]["form"] = "Größe;{file};{text}"


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_folder_and_its_table_in_any_spelling(call, folder, photos, spelling):
    table(folder, photos, **SPELLINGS[spelling])
    code, told, err = scored(call, folder)
    assert (code, err, told["n"], told["read_as"], told["left_out"]) == (0, "", 12, "pictures", [])
    found = [Reader.default().find(photo.image, as_scene=False).texts for photo in photos]
    right = np.mean(["".join(texts) == photo.texts[0] for texts, photo in zip(found, photos)])
    assert told["scores"]["exact_match"]["value"] == right
    assert len(told["mistakes"]) == round(12 * (1 - right))


def test_the_table_itself_and_a_column_that_is_named(call, folder, photos):
    table(folder, photos, heading="file,what I see")
    code, _, err = call(HERE, "score", folder / "labels.csv")
    assert code == 2 and is_one_sentence(err) and "--label names it" in err
    assert scored(call, folder / "labels.csv", "--label", "What I see")[1]["n"] == 12


def test_one_bad_row_of_each_kind_costs_itself(call, folder, photos):
    table(folder, photos)
    rows = (folder / "labels.csv").read_text().splitlines()
    rows[1], rows[2] = rows[1] + "?", "02.png,"
    rows += ["03.png,77", "gone.png,7", ",5", "broken.png,5"]
    (folder / "labels.csv").write_text("\n".join(rows))
    (folder / "broken.png").write_bytes((folder / "04.png").read_bytes()[:90])
    cv2.imwrite(str(folder / "extra.png"), photos[0].image)
    code, told, err = scored(call, folder)
    reasons = {row["file"]: row["error"] for row in told["left_out"]}
    assert code == 1 and told["n"] == 9 and len(told["left_out"]) == 7 and told["unlabelled"] == 2
    assert "got '" in reasons["00.png"] and "in line 3 and in line 4" in reasons["02.png"]
    assert "expected the name of a file" in reasons["line 16"] and "cut off" in reasons["broken.png"]
    assert "No such file" in reasons["gone.png"] and "line 5 and in line 14" in reasons["03.png"]
    assert err.count("\n") == 8 and "2 more image files have no row in the table" in err


def test_folders_that_are_labels(call, folder, photos):
    for k, photo in enumerate(photos):
        (folder / photo.texts[0]).mkdir(exist_ok=True)
        (folder / f"{k:02d}.png").rename(folder / photo.texts[0] / f"{k:02d}.png")
    code, told, _ = scored(call, folder)
    assert code == 0 and told["n"] == 12 and told["kind"] == "folders that are labels"


# ------------------------------------------------------------------ pixels


def write_idx(path, array):
    with (gzip.open if path.suffix == ".gz" else open)(path, "wb") as file:
        file.write(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())


def test_kaggles_table_and_idx_files_are_the_same_set(call, tmp_path):
    glyphs = split_glyphs(load_glyphs())["test"].subset(slice(16))
    rows = [",".join(map(str, [label, *image.ravel()])) for label, image in zip(glyphs.labels, glyphs.images)]
    heading = ",".join(["label", *(f"pixel{k}" for k in range(784))])
    (tmp_path / "train.csv").write_text("\n".join([heading, *rows]))
    (tmp_path / "bare.csv").write_text("\n".join(rows))
    (tmp_path / "mnist").mkdir()
    write_idx(tmp_path / "mnist/train-images-idx3-ubyte", glyphs.images[:5])
    write_idx(tmp_path / "mnist/train-labels-idx1-ubyte", glyphs.labels[:5].astype(np.uint8))
    write_idx(tmp_path / "mnist/t10k-images-idx3-ubyte.gz", glyphs.images)
    write_idx(tmp_path / "mnist/t10k-labels-idx1-ubyte.gz", glyphs.labels.astype(np.uint8))
    every = [scored(call, tmp_path / name) for name in ("train.csv", "bare.csv", "mnist")]
    assert [code for code, *_ in every] == [0, 0, 0] and [told["n"] for _, told, _ in every] == [16, 16, 16]
    assert every[0][1]["scores"] == every[1][1]["scores"] == every[2][1]["scores"]
    assert every[0][1]["scores"]["exact_match"]["value"] > 0.7
    assert scored(call, tmp_path / "mnist/train-images-idx3-ubyte")[1]["n"] == 5
    assert scored(call, tmp_path / "mnist", "--split", "train")[1]["n"] == 5


# ------------------------------------------------------------------ the report's numbers


def test_scenes_have_the_scores_of_the_report(call, scenes, tmp_path):
    for form in ("h5", "csv"):
        save_set({"test": scenes, "train": scenes.subset(slice(9))}, tmp_path / form, form)
    answers = Answers.of(Reader.default().probs(scenes.images), scenes.digits)
    report = score_intervals(answers, scenes.digits, scenes.glyph_ids)
    for form in ("h5", "csv"):
        code, told, _ = scored(call, tmp_path / form)
        assert (code, told["n"], told["split"], told["read_as"]) == (0, 300, "test", "scenes")
        for name in METRICS:
            one = told["scores"][name]
            assert [one["value"], *one["by_digit"]] == [report[name], report[f"{name}_low"], report[f"{name}_high"]]
        assert told["confusion"]["counts"] == confusion(answers.digits, scenes.digits).tolist()
        assert len(told["mistakes"]) == (~answers.exact(scenes.digits)).sum()


def test_a_png_tree_and_a_foreign_hdf5_file_have_them_too(call, scenes, tmp_path):
    scenes = scenes.subset(slice(60))
    save_set({"all": scenes}, tmp_path / "tree", "png")
    with h5py.File(tmp_path / "set.h5", "w") as file:
        file["test_dataset"], file["test_labels"] = scenes.images, scenes.digits
    answers = Answers.of(Reader.default().probs(scenes.images), scenes.digits)
    for path in (tmp_path / "tree", tmp_path / "set.h5"):
        told = scored(call, path, "--run", SHIPPED)[1]
        assert told["scores"]["exact_match"]["value"] == answers.exact(scenes.digits).mean()
        assert told["scores"]["exact_match"]["by_digit"] is None


def test_numbers_longer_than_the_reader_are_mistakes(call, scenes, tmp_path):
    (tmp_path / "set").mkdir()
    for k, image in enumerate(scenes.images[:3]):
        cv2.imwrite(str(tmp_path / f"set/{k}.png"), image)
    texts = number(scenes.digits[:2]) + ["1234567890"]
    (tmp_path / "set/t.csv").write_text("file,label\n" + "\n".join(f"{k}.png,{text}" for k, text in enumerate(texts)))
    code, told, _ = scored(call, tmp_path / "set", "--as", "scene")
    assert code == 0 and told["n"] == 3 and "1234567890" in [row["truth"] for row in told["mistakes"]]


# ------------------------------------------------------------------ the command


def test_the_table_the_sheet_and_the_file(call, folder, photos, tmp_path):
    table(folder, photos)
    rows = (folder / "labels.csv").read_text().splitlines()
    rows[1] = "00.png,98765"
    (folder / "labels.csv").write_text("\n".join(rows))
    code, out, err = call(HERE, "score", folder, "--draw", tmp_path / "sheet.png", "-o", tmp_path / "scores.md")
    assert (code, out, err) == (0, "", "") and cv2.imread(str(tmp_path / "sheet.png")) is not None
    text = (tmp_path / "scores.md").read_text()
    assert "| exact match, %" in text and "| true \\ read" in text and "| 00.png" in text and "98765" in text


WRONG = {
    "nothing there": (("nowhere",), "got nothing there"),
    "an empty folder": (("empty",), "got an empty folder"),
    "two tables": (("two",), "expected one table of labels, got a.csv, b.csv"),
    "no label column": (("set/bare.csv",), "expected a column of labels"),
    "two label columns": (("set/both.csv",), "got label and text: name one with --label"),
    "no rows": (("set/norows.csv",), "expected a row for each image, got none"),
    "not one image": (("set/gone.csv",), "expected at least one labelled image that can be read, got none"),
    "another file": (("set/00.png",), "expected labelled images, got another file"),
    "labels of a test set of Kaggle": (("set/unlabelled.csv",), "expected a column of labels"),
    "images without labels": (("idx",), "expected its labels beside it"),
    "an unknown split": (("set/good.csv", "--split", "tset"), "unknown split 'tset'"),
    "an unknown reader": (("set/good.csv", "--reader", "record/slot"), "unknown reader 'record/slot'"),
    "two readers": (("set/good.csv", "--reader", "record/slots", "--run", "x.onnx"), "got both"),
    "a run that is none": (("set/good.csv", "--run", "nowhere"), "nowhere is no run"),
    "a run for pictures": (("set/good.csv", "--run", SHIPPED, "--as", "picture"), "expected no --as picture"),
    "a sheet in the set": (("set", "--draw", "set/x.png"), "which it would spoil"),
    "a sheet that is no PNG": (("set/good.csv", "--draw", "x.jpg"), "with a name that ends with .png"),
    "a file over the table": (("set/good.csv", "-o", "set/good.csv"), "which it would spoil"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_call_is_one_sentence(call, folder, tmp_path, kind):
    (folder / "bare.csv").write_text("00.png,7\n")
    (folder / "both.csv").write_text("file,label,text\n00.png,7,7\n")
    (folder / "norows.csv").write_text("file,label\n")
    (folder / "gone.csv").write_text("file,label\ngone.png,7\n")
    (folder / "good.csv").write_text("file,label\n00.png,7\n")
    (folder / "unlabelled.csv").write_text(",".join(f"pixel{k}" for k in range(784)))
    for name in ("empty", "two", "idx"):
        (tmp_path / name).mkdir()
    (tmp_path / "two/a.csv").touch()
    (tmp_path / "two/b.csv").touch()
    write_idx(tmp_path / "idx/train-images-idx3-ubyte", np.zeros((2, 28, 28), np.uint8))
    arguments, expected = WRONG[kind]
    at = HERE if "--reader" in arguments else tmp_path
    arguments = [tmp_path / a if at is HERE and str(a).startswith("set") else a for a in arguments]
    if kind == "a sheet in the set":
        for path in folder.glob("*.csv"):
            path.unlink()
    code, out, err = call(at, "score", *arguments)
    assert (code, out) == (2, "") and is_one_sentence(err) and expected in err, err


MODULES = """
import sys
from digitkit.cli import main
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def with_modules(folder, *arguments):
    """The command in a process that says at its end which modules were imported."""
    line = [sys.executable, "-c", MODULES, "score", *arguments]
    return subprocess.run(line, cwd=folder, capture_output=True, text=True, timeout=60)


def test_its_help_loads_nothing_heavy():
    done = with_modules(HERE, "--help")
    assert "Score a reader on your own labelled images." in done.stdout and done.returncode == 0
    assert not set(done.stderr.split()) & {"keras", "tensorflow", "pandas", "sklearn", "matplotlib", "h5py", "numpy"}


def test_scoring_loads_no_keras(folder, photos):
    table(folder, photos[:2])
    done = with_modules(folder.parent, "set")
    assert done.returncode == 0 and not set(done.stderr.split()) & {"keras", "tensorflow"}, done.stderr


def test_the_installed_command(folder, photos, tmp_path):
    table(folder, photos[:2])
    done = command(tmp_path, "digitkit", "score", "set")
    assert done.returncode == 0 and done.stderr.count("\n") == 1 and done.stdout.startswith("set (images and a table")


def test_ctrl_c_while_it_reads_is_one_sentence(folder, photos, call, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    table(folder, photos)
    monkeypatch.setattr("digitkit.set_scores.are_scenes", stopped)
    code, out, err = call(HERE, "score", folder)
    assert (code, out) == (130, "") and "stopped" in err and "Traceback" not in err
