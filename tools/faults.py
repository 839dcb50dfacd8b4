"""Print the faults that are tested, as a table in Markdown: what happens, what is right then, and by which test.

Nothing is kept by hand. A test may say in its docstring `Fault: what happens. Right: what is expected.` Of another test
the name says both, and whether it is on a fault: all are in the files `ALL`, elsewhere those whose name has a `TOLD`.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
ALL = ("test_faults", "test_resume")  # of these every test is on a fault
TOLD = re.compile(
    "one_sentence|refuse|killed|ctrl_c|full_disk|read_only|bad_|broken|cannot|mistake|spoilt|not_replaced"
)
SAID = re.compile(r"Fault: (.+?)\.\s+Right: (.+?)\.(?:\s|$)", re.DOTALL)
VERBS = (r"is|are|was", r"ends|costs|says|leaves|gives|goes|outlives|has|refuse|cannot")  # the first parts a name


def sides(test: ast.FunctionDef, all_are: bool) -> tuple[str, str] | None:
    """What happens and what is right then, of a test; None if it is on no fault."""
    if found := SAID.search(ast.get_docstring(test) or ""):
        return " ".join(found[1].split()), " ".join(found[2].split())
    if not (all_are or TOLD.search(test.name)):
        return None
    words = re.sub(r"\bctrl c\b", "Ctrl-C", test.name.removeprefix("test_").replace("_", " "))
    for verbs in VERBS:
        if parts := re.match(rf"(.+?(?<!that)(?<!which)(?<!where)(?<!what)) ((?:{verbs})\b.*)", words):
            return parts[1], parts[2]
    return words, ""


def faults() -> Iterator[tuple[str, str, str]]:
    """What happens, what is right then, and the test, of all faults, file by file."""
    for file in sorted(TESTS.glob("test_*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                if found := sides(node, file.stem in ALL):
                    yield *(text[:1].upper() + text[1:] for text in found), f"`{file.stem}::{node.name}`"


if __name__ == "__main__":
    print("| what happens | what is right | tested by |\n|:--|:--|:--|")
    for row in faults():
        print("| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |")
