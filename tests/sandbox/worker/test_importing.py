"""A submission's function is found or its likely name is; the submission meets no name of this project."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from sandbox.worker.entry.importing import find_function
from tests.support.paths import ROOT

SIGNATURE = "(net, retain, forget, val): pass"
IMPORT = """
import sys
import sandbox.protocol.splits
from sandbox.worker.entry.importing import import_submission
unlearning = import_submission(open("submission.zip", "rb").read())
print(unlearning())
"""


def module_of(source: str) -> ModuleType:
    module = ModuleType("submission")
    exec(source, vars(module))
    return module


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (f"def unlearn{SIGNATURE}", "unlearn"),
        (f"def Unlearning{SIGNATURE}", "Unlearning"),
        (f"def run_unlearning{SIGNATURE}\ndef main(): pass", "run_unlearning"),
        (f"class Unlearner:\n    def __call__{SIGNATURE}", "Unlearner"),
    ],
)
def test_a_function_of_a_similar_name_is_named(source: str, name: str) -> None:
    """Whatever its case; a class counts too."""
    with pytest.raises(Exception, match=rf"called unlearning; it defines {name}: did you mean unlearning\?"):
        find_function(module_of(source))


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def main(): pass",
        "unlearn = 3",
        "from os import unlink as unlearn",
        f"def {'unlearning' * 9}(): 0",
    ],
)
def test_nothing_else_is_named(source: str) -> None:
    """Not what it does not define, and no name of any length."""
    with pytest.raises(Exception, match=r"no function called unlearning$"):
        find_function(module_of(source))


def run_imported(folder: Path, files: dict[str, str], script: str = IMPORT) -> str:
    """Return what a process prints that imports these files as a run does."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    (folder / "submission.zip").write_bytes(packed.getvalue())
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("helper", ["sandbox/__init__.py", "sandbox.py", "sandbox/protocol/__init__.py"])
def test_a_module_of_the_submission_is_found_before_this_project(tmp_path: Path, helper: str) -> None:
    """Under the same name, as a package or a module; what was imported of this project keeps working."""
    place = ".".join(Path(helper).with_suffix("").parts).removesuffix(".__init__")
    main = f"import pickle\nfrom {place} import WORD\ndef unlearning(): return WORD\n"
    files = {"submission.py": main, helper: "WORD = 'theirs'\n"}
    script = IMPORT + "print(sys.modules['unlearn_sandbox.protocol.splits'].__name__)\n"
    assert run_imported(tmp_path, files, script) == "theirs\nsandbox.protocol.splits\n"


def test_what_a_script_pickled_is_loaded(tmp_path: Path) -> None:
    """While the submission is imported and later; ``__main__`` has no file that a new process would execute."""
    main = """
import pickle, sys
class State: word = "state"
state = pickle.loads(b"c__main__\\nState\\n.")
def unlearning():
    main = sys.modules["__main__"]
    return state is State is pickle.loads(b"c__main__\\nState\\n."), hasattr(main, "__file__"), __name__
"""
    assert run_imported(tmp_path, {"submission.py": main}) == "(True, False, 'submission')\n"
