"""Put into the wheel what the image and the gallery are built from; all else is in pyproject.toml.

In a checkout these files stand where people look for them. An installed copy of `runner` has them in
``runner/packaged/``, laid out as in the checkout (`runner.checkout.ROOT`).
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PACKAGED = (
    "Dockerfile",
    "requirements/image*.txt",
    "sample_submissions/hostile/**/*",
    "sandbox/**/*.py",
)


class BuildWithPackaged(build_py):
    """Copies packages as usual, then the files of `PACKAGED`."""

    def run(self) -> None:
        """Copy them; an editable installation uses the checkout itself."""
        super().run()
        if self.editable_mode:
            return
        root = Path(__file__).resolve().parent
        target = Path(self.build_lib) / "runner" / "packaged"
        shutil.rmtree(target, ignore_errors=True)
        for pattern in PACKAGED:
            files = [
                file for file in root.glob(pattern) if file.is_file() and "__pycache__" not in file.parts
            ]
            if not files:
                raise FileNotFoundError(f"{root} has no {pattern}, which belongs into the wheel")
            for file in files:
                copy = target / file.relative_to(root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, copy)


setup(cmdclass={"build_py": BuildWithPackaged})
