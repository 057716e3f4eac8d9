"""Runs one target under atheris: ``python -m tests.fuzz.harness TARGET [option of libFuzzer]…``."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import atheris


def main() -> None:
    name = sys.argv.pop(1)
    source = ast.parse(Path(__file__).with_name(f"{name}.py").read_text())
    (instrumented,) = (
        ast.literal_eval(node.value)
        for node in source.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "INSTRUMENTED"
    )  # read, not imported: modules are instrumented while they are imported for the first time
    with atheris.instrument_imports(include=[*instrumented, f"tests.fuzz.{name}"]):
        target = importlib.import_module(f"tests.fuzz.{name}")
    atheris.Setup(sys.argv, target.one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
