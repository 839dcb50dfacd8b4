"""All 70,000 digits of MNIST, where they are: the file that DIGITKIT_MNIST names, or data/mnist.npz."""

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from conftest import HERE

from digitkit.audit import audit, seen_share, trace
from digitkit.composing import compose
from digitkit.glyphs import load_glyphs, split_glyphs
from digitkit.project import InputError
from digitkit.reference import reference_scenes, reference_splits

FILE = Path(os.environ.get("DIGITKIT_MNIST") or HERE / "data/mnist.npz")
reason = "MNIST is not here: name the file in DIGITKIT_MNIST or put it at data/mnist.npz"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=reason)


@pytest.fixture
def mnist(project, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setenv("DIGITKIT_MNIST", str(FILE))
    return load_glyphs("mnist")


def test_mnist_has_70_000_digits_in_file_order(mnist):
    assert mnist.images.shape == (70_000, 28, 28) and mnist.images.dtype == np.uint8
    assert mnist.labels[:5].tolist() == [5, 0, 4, 1, 9] and mnist.labels[60_000:60_003].tolist() == [7, 2, 1]
    np.testing.assert_array_equal(mnist.ids, np.arange(70_000))


def test_the_official_test_digits_are_in_test_only(mnist):
    parts = split_glyphs(mnist)
    assert [len(parts[name]) for name in ("train", "val", "test")] == [55_000, 5_000, 10_000]
    assert parts["test"].ids.min() == 60_000 and max(parts["train"].ids.max(), parts["val"].ids.max()) < 60_000


def test_the_file_by_its_path_is_split_by_writers_too(mnist):
    parts = split_glyphs(load_glyphs(str(FILE)))
    assert parts["test"].ids.min() == 60_000
    assert len(split_glyphs(mnist.subset(slice(0, 100)))["train"]) == 100


def test_the_embedded_digits_are_among_the_first_of_the_training_file(mnist):
    known = {image.tobytes(): label for image, label in zip(mnist.images[:5_848], mnist.labels)}
    embedded = load_glyphs("embedded")
    assert [known.get(image.tobytes()) for image in embedded.images] == embedded.labels.tolist()


def test_a_copy_with_one_other_pixel_is_refused(mnist, tmp_path, monkeypatch):
    with np.load(FILE, allow_pickle=False) as file:
        arrays = {name: file[name].copy() for name in file.files}
    arrays["x_test"][9_999, 0, 0] ^= 1
    np.savez(tmp_path / "mnist.npz", **arrays)
    monkeypatch.setenv("DIGITKIT_MNIST", str(tmp_path / "mnist.npz"))
    with pytest.raises(InputError, match="is not MNIST"):
        load_glyphs("mnist")


def test_a_truncated_copy_is_refused(project, tmp_path, monkeypatch):
    monkeypatch.chdir(project)
    (tmp_path / "mnist.npz").write_bytes(FILE.read_bytes()[:1_000_000])
    monkeypatch.setenv("DIGITKIT_MNIST", str(tmp_path / "mnist.npz"))
    with pytest.raises(InputError, match="no readable .npz file"):
        load_glyphs("mnist")


GENERATOR = {  # SHA-256 of the public generator's images: seed 123, 10 a number, 84x84, by number
    "train": "2b663c05d7fd8371210c3044f7f2e6a7abf99a721d5d5b5a6b13d29b480c4aed",
    "val": "7e9af2cf1a4ca56f19352f129fe78e459d6f9b222d0666a6718bc0b1b9576eb1",
    "test": "7207e4080b8cb1c88d14d90fdafb99417ca5db50a5b4e4212935378ac987ac99",
}


def test_the_reference_scenes_are_the_generators_pixel_for_pixel(mnist):
    made = reference_scenes(mnist, slots=3, per_number=10, seed=123)
    assert {name: hashlib.sha256(scenes.images).hexdigest() for name, scenes in made.items()} == GENERATOR


def test_97_percent_of_the_references_test_crops_are_in_training_or_validation(mnist):
    splits = reference_splits(mnist, per_number=100, seed=123)
    train, val, test = (trace(splits[name].blocks()) for name in ("train", "val", "test"))
    for kind in ("crops", "glyphs"):  # parts of images byte for byte, and digits by what the generator says of them
        before = np.concatenate([getattr(train, kind), getattr(val, kind)])
        assert round(seen_share(before, getattr(test, kind)), 4) == 0.9695
    assert [len(part.crops) for part in (train, val, test)] == [192_000, 48_000, 60_000]


def test_the_audit_finds_nothing_in_an_honest_set(mnist):
    parts = split_glyphs(mnist)
    sizes = {"train": 20_000, "val": 4_000, "test": 4_000}
    found = audit({name: compose(parts[name], "triple", n, seed) for seed, (name, n) in enumerate(sizes.items())})
    assert found.leak == 0 and (found.splits["crops"] == 3 * found.splits["scenes"]).all()
