"""The commands of `unlearn image`: module and function below `runner.cli`, and the docstring's first line."""

from __future__ import annotations

from typing import Final

IMAGE_COMMANDS: Final = {
    "build": (
        "image:build_image_command",
        "Build the image if its inputs have changed; do nothing otherwise.",
    ),
    "show": ("image:show_image_command", "Show which image would be used, and its inputs."),
    "push": (
        "image:push_image_command",
        "Push the image to a registry, and print its name for others.",
    ),
    "pull": ("image:pull_image_command", "Pull the image from a registry, check it, and use it."),
    "save": (
        "image:save_image_command",
        "Write the image to a file, for a machine without access to a registry.",
    ),
    "load": (
        "image:load_image_command",
        "Load an image that `unlearn image save` wrote, after checking it.",
    ),
}
