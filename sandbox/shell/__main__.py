"""Start Python with ``net``, ``retain``, ``forget`` and ``val`` at hand: ``python -m sandbox.shell FOLDER``.

If stdin is no terminal, the program that comes from it is executed.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from sandbox.networks.architectures import build, prepare
from sandbox.networks.datasets import dataset, loader, read_split
from sandbox.protocol.jobs import ShellJob

BANNER = (
    "net, retain, forget and val are what `unlearning` gets. This is NOT sealed: the code runs with your own "
    "rights on the folder that is mounted here."
)


def inputs(folder: Path) -> dict[str, Any]:
    """Return the arguments of a submission's function by name.

    Args:
        folder: Holds ``job.json``, and each split and the original network as safetensors.
    """
    job = ShellJob.from_json((folder / "job.json").read_bytes())
    if job.architecture_source is not None:
        prepare(job.architecture, job.architecture_source)
    net = build(job.architecture, job.classes)
    net.load_state_dict(read_split((folder / "original").read_bytes()))
    splits = {
        name: loader(dataset(read_split((folder / name).read_bytes()), job.item_format), job.batch_size)
        for name in ("retain", "forget", "val")
    }
    return {"net": net, **splits}


def main() -> None:
    """Serve the user at the terminal, or execute the program on stdin."""
    names = inputs(Path(sys.argv[1]))
    sys.path.insert(0, "")
    if not sys.stdin.isatty():
        program = compile(sys.stdin.read(), "<stdin>", "exec")
        exec(program, {"__name__": "__main__", **names})  # noqa: S102 - what the user typed
        return
    options = [f"--TerminalInteractiveShell.banner1={BANNER}\n", "--HistoryManager.enabled=False"]
    importlib.import_module("IPython").start_ipython(argv=options, user_ns=names)  # takes half a second


if __name__ == "__main__":
    main()
