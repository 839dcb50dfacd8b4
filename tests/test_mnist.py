"""All 70,000 digits of MNIST, where they are: the file that DIGITKIT_MNIST names, or data/mnist.npz."""

import os
from pathlib import Path

import numpy as np
import pytest
from conftest import HERE

from digitkit.config import InputError
from digitkit.glyphs import load_glyphs, split_glyphs

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
    assert [len(parts[name]) for name in ("train", "val", "test")] == [50_000, 10_000, 10_000]
    assert parts["test"].ids.min() == 60_000 and max(parts["train"].ids.max(), parts["val"].ids.max()) < 60_000


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
