"""Remarks on a checkpoint that the run itself makes: what its state dict does not hold, what overflowed.

What is evaluated is the checkpoint, loaded into a new network of the challenge's architecture. If the network
that was returned answers otherwise (a replaced ``forward`` or module, a hook that changes the output, weights
in a plain attribute), its author should know. The remarks are in the metadata of the checkpoint: a submission
can forge or remove them, so they are advice and no evidence.

Attributes are compared in every run, which takes milliseconds; logits only where an attribute differs. The
comparison of logits never changes how a run ends. It is done by a forked process, as data loaders do it, for
a fraction of the time that the run has left; whatever happens to that process, the checkpoint stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

import safetensors.torch
import torch
from torch import Tensor, nn

from sandbox.networks.architectures import build
from sandbox.networks.outside_state import attribute_digests, differing_names, join_names
from sandbox.protocol.messages import REMARK_HALF, REMARK_OUTSIDE
from sandbox.worker.checkpoint import unwrap

if TYPE_CHECKING:
    from sandbox.worker.child import RunInputs

_MAX_SECONDS: Final = 5.0
_MIN_SECONDS: Final = 0.1
_SHARE_OF_TIME_LEFT: Final = 0.25
_MAX_EXAMPLES: Final = 64
_MIN_EXAMPLES: Final = 4
_MAX_NUMBERS: Final = 100_000
"""Of all images together: 32 of 3x32x32."""
_TOLERANCE: Final = 1e-3
"""Relative to the largest logit. Other memory formats change logits by about 1e-6 of it, TF32 by 1e-4."""
_NAME_CHARACTERS: Final = 200


def digests_of(net: nn.Module) -> Mapping[str, str]:
    """Return the digests of the network that a run is given; empty if an organizer's network has none."""
    try:
        return attribute_digests(net)
    except Exception:  # noqa: BLE001 - of any kind of attribute; a run must not fail to start for a remark
        return {}


def with_remarks(
    checkpoint: bytes,
    returned: nn.Module,
    inputs: RunInputs,
    *,
    digests: Mapping[str, str],
    started_at: float,
) -> bytes:
    """Return a checkpoint with remarks in its metadata; the same bytes if there are none.

    Args:
        checkpoint: As it will be evaluated.
        returned: The network that it was made from. On a GPU, it is in eval mode afterwards.
        inputs: Of the run.
        digests: Of the attributes of the network that the run was given. Where those of the returned network
            are the same, it is the same network, and no logits are compared.
        started_at: When the run began, by `time.monotonic`.
    """
    try:
        seconds = _SHARE_OF_TIME_LEFT * (inputs.wall_seconds - (time.monotonic() - started_at))
        differs = differing_names(digests, attribute_digests(unwrap(returned)))
        remarks = {
            REMARK_HALF: _overflowed(returned),
            REMARK_OUTSIDE: _outside(checkpoint, returned, inputs, seconds) if differs else "",
        }
        metadata = {
            name: text.encode("ascii", "backslashreplace").decode()[:_NAME_CHARACTERS]
            for name, text in remarks.items()
            if text
        }
        if not metadata:
            return checkpoint
        return safetensors.torch.save(safetensors.torch.load(checkpoint), metadata)
    except BaseException:  # noqa: BLE001 - raised by the submission's own code, as in its forward: no verdict
        return checkpoint


def _overflowed(returned: nn.Module) -> str:
    """Return the names of the tensors in half precision that are not finite."""
    state = unwrap(returned).state_dict()
    return join_names(
        [name for name, value in state.items() if value.dtype == torch.float16 and not value.isfinite().all()]
    )


def _outside(checkpoint: bytes, returned: nn.Module, inputs: RunInputs, seconds: float) -> str:
    if seconds < _MIN_SECONDS:
        return ""
    work = partial(_difference, checkpoint, unwrap(returned), inputs)
    if inputs.device != "cpu":  # a GPU cannot be used after a fork
        return work()
    return _forked(work, min(seconds, _MAX_SECONDS))


def _difference(checkpoint: bytes, returned: nn.Module, inputs: RunInputs) -> str:
    """Return which attributes make a network answer unlike its checkpoint; empty if it answers the same."""
    tensors = safetensors.torch.load(checkpoint)
    device = next(returned.parameters()).device
    for name, tensor in [*returned.named_parameters(), *returned.named_buffers()]:
        tensor.grad = None  # memory for the other network
        if name in tensors and tensor.dtype != tensors[name].dtype:
            tensor.data = tensor.data.to(tensors[name].dtype)  # half precision rounds logits, too
    images = _examples(inputs).to(device)
    with torch.no_grad():
        answers = returned.eval()(images)
        evaluated = build(inputs.architecture, inputs.classes)
        evaluated.load_state_dict(tensors)
        expected = evaluated.to(device).eval()(images)
    if not expected.isfinite().all() or _are_close(answers, expected):
        return ""
    names = differing_names(attribute_digests(returned), attribute_digests(evaluated))
    return join_names(names) or "unknown"


def _examples(inputs: RunInputs) -> Tensor:
    """Return a few images of each split that the run has."""
    splits = [split.images for split in (inputs.forget, inputs.retain, inputs.val)]  # type: ignore[attr-defined]  # both forms of items have them
    count = min(_MAX_EXAMPLES, max(_MIN_EXAMPLES, _MAX_NUMBERS // splits[0][0].numel()))
    share = -(-count // len(splits))
    return torch.cat([images[:share] for images in splits])[:count].clone()


def _are_close(answers: Tensor, expected: Tensor) -> bool:
    if answers.shape != expected.shape:
        return False
    scale = max(float(expected.abs().max()), 1e-3)
    return bool((answers.to(expected.dtype) - expected).abs().max() <= _TOLERANCE * scale)


def _forked(work: Callable[[], str], seconds: float) -> str:
    """Return what a function returns in a forked process; empty if that fails or takes too long."""
    read_fd, write_fd = os.pipe()
    process = os.fork()
    if process == 0:
        _work_and_exit(work, write_fd)
    os.close(write_fd)
    try:
        readable, _, _ = select.select([read_fd], [], [], seconds)
        return os.read(read_fd, _NAME_CHARACTERS).decode(errors="replace") if readable else ""
    finally:
        os.close(read_fd)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # the submission may ignore the ends of its children
            os.waitpid(process, 0)


def _work_and_exit(work: Callable[[], str], write_fd: int) -> NoReturn:
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        torch.set_num_threads(1)  # threads of torch do not survive a fork
        os.write(write_fd, work().encode(errors="replace"))
    finally:
        os._exit(0)
