"""Run the commands given and fail if a notebook or a module changes: `unchanged.py nbdev-clean nbdev-export`."""

import hashlib
import subprocess
import sys
from pathlib import Path

SKIP = {".ipynb_checkpoints", "__pycache__"}


def hashes() -> dict[str, str]:
    """SHA-256 of every file of nbs/ and digitkit/, by path."""
    files = [path for folder in ("nbs", "digitkit") for path in Path(folder).rglob("*") if path.is_file()]
    return {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(files) if not SKIP & set(f.parts)}


before = hashes()
for command in sys.argv[1:]:
    subprocess.run([command], check=True)
after = hashes()
if changed := sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)):
    names = ", ".join(Path(command).name for command in sys.argv[1:])
    sys.exit(f"not clean, or not exported; {names} changed: {', '.join(changed)}")
print(f"{len(after)} files of nbs/ and digitkit/ are clean and exported")
