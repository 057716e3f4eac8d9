"""Frequent mistakes of submissions: the sentences that they lead to, and what to do about each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from runner.parsers.remarks import ANSWERS_UNLIKE
from runner.verdict import Verdict

LIBRARIES: Final = (
    *("torch", "torchvision", "numpy", "scipy", "scikit-learn", "pandas", "Pillow", "tqdm", "safetensors"),
    *("matplotlib", "seaborn", "requests", "tabulate", "IPython"),
)
"""What the image has for submissions, by the names that people install; a test compares the lock files."""
WARNING: Final = "warning"
_INTERFACE: Final = (
    r"module 'numpy' has no attribute|__init__\(\) got an unexpected keyword argument|"
    r"'(?:DataFrame|Series)' object has no attribute"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A frequent mistake."""

    verdict: str
    """A verdict, or `WARNING`. It is not compared: one mistake may end in several verdicts."""
    example: str
    """A sentence that it leads to."""
    pattern: str
    """A regular expression that finds it in a sentence."""
    remedy: str
    """With code between backticks."""

    @property
    def line(self) -> str:
        """Return the remedy for a terminal."""
        return self.remedy.replace("`", "")


def _mistake(verdict: str, example: str, remedy: str, pattern: str = "") -> Mistake:
    return Mistake(verdict=verdict, example=example, pattern=pattern or re.escape(example), remedy=remedy)


MISTAKES: Final = (
    _mistake(
        Verdict.NO_FUNCTION,
        "submission.py defines no function called unlearning",
        'The function has another name, or is defined under `if __name__ == "__main__":`.',
    ),
    _mistake(
        Verdict.NO_FUNCTION,
        "import failed: ModuleNotFoundError: No module named 'einops'",
        f"The image has {', '.join(LIBRARIES)}, and what they need; a `requirements.txt` is not "
        "installed. Add "
        "other pure-Python modules, and your own helper files, to your submission.",
        "No module named ",
    ),
    _mistake(
        Verdict.NO_FUNCTION,
        "import failed: RuntimeError: Make sure you have added an accelerator to your notebook",
        "The contest's notebook stops itself where there is no GPU, and this challenge runs on "
        "the CPU. Remove "
        "those lines; `next(net.parameters()).device` is where to compute.",
        "Make sure you have added an accelerator",
    ),
    _mistake(
        Verdict.NO_FUNCTION,
        "import failed: ImportError: attempted relative import with no known parent package",
        "`submission.py` belongs to no package: write `from helper import f` in place of `from "
        ".helper import f`.",
        "attempted relative import with no known parent package",
    ),
    _mistake(
        Verdict.NO_FUNCTION,
        "import failed: SyntaxError: invalid syntax (submission.py, line 1): %load_ext autoreload",
        "Lines that begin with `%` or `!` are commands of a notebook. Remove them.",
        r"SyntaxError: .*, line \d+\): [%!]",
    ),
    _mistake(
        Verdict.NO_FUNCTION,
        "import failed: NameError: name 'get_ipython' is not defined",
        "`get_ipython` exists in a notebook only. Remove the lines that call it.",
        "name 'get_ipython' is not defined",
    ),
    _mistake(
        Verdict.NO_FUNCTION,
        "import failed: SyntaxError: invalid syntax (submission.py, line 1): type Pair = tuple[int, int]",
        "The image has Python 3.11: this is the syntax of a later version.",
        r"SyntaxError: .*, line \d+\): (?:type \w+[ =\[]|(?:def|class) \w+\[)",
    ),
    _mistake(
        Verdict.NO_FUNCTION,
        "import failed: ValueError: source code string cannot contain null bytes",
        "The file is not UTF-8 text; PowerShell's `>` writes UTF-16. Save it as UTF-8.",
        r"source code string cannot contain null bytes|\(unicode error\) 'utf-8' codec can't decode",
    ),
    _mistake(
        Verdict.NO_FUNCTION,
        "unlearning is declared with async def, so calling it would not run it; use def",
        "Remove `async`.",
    ),
    _mistake(
        Verdict.CRASHED,
        "TypeError: unlearning() takes 3 positional arguments but 4 were given",
        "The function is called with four arguments: net, retain, forget, val.",
        r"unlearning\(\) (?:takes \d+ positional|missing \d+ required positional)",
    ),
    _mistake(
        Verdict.CRASHED,
        "ValueError: too many values to unpack (expected 2)",
        'Items may be dicts here, as `unlearn challenge show` says: `batch["image"], batch["age_group"]`.',
        r"ValueError: too many values to unpack \(expected 2\)|'dict' object has no attribute '(?:to|cuda)'",
    ),
    _mistake(
        Verdict.CRASHED,
        "RuntimeError: Failed to find C compiler. Please specify via CC environment variable",
        "Kernels cannot be compiled here, so Triton is not offered, on a GPU as well. Use torch's own "
        "operations.",
        "Failed to find C compiler|failed to map segment from shared object|Cannot find a working triton",
    ),
    _mistake(
        Verdict.CRASHED,
        "RuntimeError: Found no NVIDIA driver on your system",
        "This challenge runs on the CPU, and `.cuda()` needs a GPU. Use `next(net.parameters()).device`.",
        "Found no NVIDIA driver|No CUDA GPUs are available|Torch not compiled with CUDA enabled",
    ),
    _mistake(
        Verdict.CRASHED,
        "RuntimeError: unable to allocate shared memory(shm) for file </torch_1>: No space left "
        "on device (28)",
        "The workers of loaders put their batches into `/dev/shm`, which is limited. Use fewer "
        "workers or smaller "
        "batches; `num_workers=0` needs none of it.",
        r"unable to allocate shared memory|DataLoader worker \(pid.{0,30}killed by signal: Bus error",
    ),
    _mistake(
        Verdict.CRASHED,
        "FileNotFoundError: [Errno 2] No such file or directory: '/kaggle/input/…'",
        "The contest's files are not available, except the class weights if items are dicts. The "
        "data are in the "
        "loaders, the network is `net`.",
        "No such file or directory: '/kaggle/input/",
    ),
    _mistake(
        Verdict.CRASHED,
        "URLError: <urlopen error [Errno -3] Temporary failure in name resolution>",
        "There is no network. Add the files that you need to your submission.",
        "Temporary failure in name resolution|NameResolutionError",
    ),
    _mistake(
        Verdict.CRASHED,
        "RuntimeError: Cannot resolve 127.0.0.1 to a (local) address",
        "A process group of `torch.distributed` needs a network, and a run has not even its own "
        "host's. Call the "
        "network directly; `DataParallel` works.",
        r"DistNetworkError|DistStoreError|to a \(local\) address|Default process group has not been",
    ),
    _mistake(
        Verdict.CRASHED,
        "AttributeError: module 'numpy' has no attribute 'asscalar'",
        "The libraries are newer than those of 2023, and not every interface of that year is put "
        "back. Use today's, "
        'such as `OneVsRestClassifier(LogisticRegression())` for `multi_class="ovr"`.',
        _INTERFACE,
    ),
    _mistake(
        Verdict.CRASHED,
        "PermissionError: [Errno 13] Permission denied: '/root/notes.txt'",
        "Write to the current folder.",
        r"PermissionError: \[Errno 13\] Permission denied: '/|OSError: \[Errno 30\] Read-only file system",
    ),
    _mistake(
        Verdict.CRASHED,
        "SystemExit: 0",
        "Return from the function instead of leaving Python.",
        "SystemExit",
    ),
    _mistake(
        Verdict.TIME_LIMIT,
        "not finished within 60 s",
        "Where it was a second before is at the end of its output, from `Stack (most recent call first)` on: "
        "`unlearn show --logs`.",
        "not finished within ",
    ),
    _mistake(
        Verdict.MEMORY_LIMIT,
        "killed by the kernel for its use of memory",
        "Use smaller batches or fewer workers, and keep no lists of tensors that need gradients. "
        "Files in your "
        "folders count as memory.",
        "killed by the kernel for its use of memory|can't allocate memory",
    ),
    _mistake(
        Verdict.BAD_CHECKPOINT,
        "the state dict has wrong keys: bn1.bias, bn1.num_batches_tracked, bn1.running_mean and "
        "17 more missing, "
        "net.bn1.bias, net.bn1.num_batches_tracked, net.bn1.running_mean and 17 more not expected",
        "You returned your own wrapper. Return the network inside.",
        r"wrong keys: .* missing, net\.",
    ),
    _mistake(
        Verdict.BAD_CHECKPOINT,
        "the state dict has wrong keys: fc.weight missing, fc.weight_mask, fc.weight_orig not expected",
        'The layer is still pruned by a mask; call `prune.remove(net.fc, "weight")` at the end. '
        "The same holds for "
        "weight norm and adapters.",
        r"wrong keys: .*\b(?:weight_mask|weight_orig|weight_[gv]|parametrizations)\b",
    ),
    _mistake(
        Verdict.BAD_CHECKPOINT,
        "fc.bias has shape [11], not [10]",
        "A layer has another size than in the original.",
        r" has shape \[.*\], not \[",
    ),
    _mistake(
        Verdict.BAD_CHECKPOINT,
        "the network could not be saved: TypeError: fc._packed_params.dtype is a torch.dtype, not a tensor",
        "A checkpoint holds ordinary tensors only. Return the network without quantization or "
        "state of another kind.",
        r"could not be saved: TypeError: .* (?:not a tensor|so it has no values|to an ordinary tensor)",
    ),
    _mistake(
        Verdict.BAD_CHECKPOINT,
        "bn1.running_var has values that are not finite: they were returned in half precision, which values "
        "above 65504 do not fit (the original's own largest value there is 508838)",
        "The values overflowed in `.half()`. Return the network in single precision: `return net.float()` "
        "before they overflow.",
        "returned in half precision, which values above",
    ),
    _mistake(
        Verdict.BAD_CHECKPOINT,
        "fc.weight has values that are not finite",
        "Training diverged. Lower the learning rate or clip gradients; gradient ascent needs both.",
        " has values that are not finite",
    ),
    _mistake(
        Verdict.BAD_CHECKPOINT,
        "two evaluators failed with it by itself, and not with the original network",
        "The challenge's own network fails, or does not finish, with your weights. Stay closer "
        "to the original "
        "weights.",
    ),
    _mistake(
        Verdict.OUTPUT_LIMIT,
        "the checkpoint is larger than the reference allows",
        "Something large is registered as a buffer or parameter of the network. Store it elsewhere.",
    ),
    _mistake(
        WARNING,
        f"{ANSWERS_UNLIKE} (fc.forward)",
        "What you changed is not in the state dict and was lost. Put it into the weights or the buffers of "
        "the original's layers.",
        re.escape(ANSWERS_UNLIKE),
    ),
    _mistake(
        WARNING,
        "checkpoints are the original network, unchanged",
        "You changed a copy of the network and did not return it, or returned a state dict.",
        "checkpoints (?:are|is) the original network, unchanged",
    ),
)
