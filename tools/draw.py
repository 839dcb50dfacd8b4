"""The page that reads what one draws, as a folder for any web server: `draw.py [FOLDER]`, by default site/draw."""

import gzip
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from digitkit.door import FLOOR
from digitkit.glyphs import load_glyphs, split_glyphs
from digitkit.pictures import pictures
from digitkit.reader import Reader

HERE = Path(__file__).parents[1]
PAGE, SHIPPED = HERE / "docs/draw", HERE / "digitkit/shipped"
NETWORKS = ("finder.onnx", "strips.onnx", "reader.onnx")
RUNTIME = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
EXAMPLES = {  # name: kind, step and seed of a made picture
    "On squares": ("squared", 1, 1),
    "A shadow": ("shadow", 2, 3),
    "A slate": ("bright ink", 2, 1),
    "Out of focus": ("defocus", 3, 12),
    "Four numbers": ("sum", 1, 4),
}


def fetch(version: str, folder: Path) -> None:
    """Put the three files of a version of ONNX Runtime Web into a folder; npm fetches and checks them."""
    if not shutil.which("npm"):
        raise SystemExit(f"expected npm, which fetches onnxruntime-web {version}; it is not installed.")
    with TemporaryDirectory() as scratch:
        line = ["npm", "pack", "--silent", "--pack-destination", scratch, f"onnxruntime-web@{version}"]
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"expected npm to fetch onnxruntime-web {version}, got: {done.stderr.strip()[-300:]}")
        with tarfile.open(next(Path(scratch).glob("*.tgz"))) as packed:
            folder.mkdir(parents=True, exist_ok=True)
            for name in RUNTIME:
                (folder / name).write_bytes(packed.extractfile(f"package/dist/{name}").read())


def runtime(keep: Path = HERE / "data") -> Path:
    """The folder with ONNX Runtime Web's three files in the version that the page names, fetched once."""
    version = json.loads((PAGE / "package.json").read_text())["dependencies"]["onnxruntime-web"]
    folder = keep / f"onnxruntime-web-{version}"
    if not all((folder / name).is_file() for name in RUNTIME):
        fetch(version, folder)
    return folder


def facts() -> dict:
    """What the page must know beside the networks: when a number is one, and when it is sure."""
    reader = Reader.default()
    side = reader.network.input_shape[1]
    if str(reader.pipeline) != f"fit({side})" or not reader.whole:
        raise SystemExit(f"the page prepares scenes by fit({side}) alone, the shipped reader by {reader.pipeline}")
    return {"promise": json.loads((SHIPPED / "promise.json").read_text()), "floor": FLOOR}


def save_examples(folder: Path) -> None:
    """Draw the examples, and list them in `examples.json`."""
    glyphs, listed = split_glyphs(load_glyphs())["test"], []
    for name, (kind, step, seed) in EXAMPLES.items():
        made = pictures(kind, 1, seed, glyphs, step=step)[0]
        file = f"{kind.replace(' ', '-')}.png"
        Image.fromarray(made.image).save(folder / file, optimize=True)
        listed.append({"name": name, "file": f"examples/{file}", "texts": made.texts})
    (folder / "examples.json").write_text(json.dumps(listed, indent=1))


def save_page(folder: Path) -> None:
    """Write all that the page needs into a folder, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "examples").mkdir(parents=True)
    for file in PAGE.iterdir():
        if file.suffix in (".html", ".css", ".js"):
            shutil.copy(file, folder)
    for name in NETWORKS:
        (folder / f"{name}.gz").write_bytes(gzip.compress((SHIPPED / name).read_bytes(), mtime=0))
    shutil.copytree(runtime(), folder / "runtime")
    (folder / "facts.json").write_text(json.dumps(facts(), indent=1))
    save_examples(folder / "examples")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if sys.argv[1:] else HERE / "site/draw"
    save_page(target)
    size = sum(file.stat().st_size for file in target.rglob("*") if file.is_file())
    print(f"{target}: {size / 1e6:.1f} MB; `python -m http.server --directory {target}` shows it as /draw.html")
