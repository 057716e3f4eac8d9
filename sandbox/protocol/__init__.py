"""What the host and the container share: frames, messages, jobs and a few facts about recipes.

The host imports `sandbox.protocol` and nothing else of `sandbox`::

    frames    bytes <-> frames; refuses a bad length or field before the bytes behind it are stored
    messages  the frame kinds of each conversation, with their fields and size limits
    jobs      the first frame of each conversation: what a worker, an evaluator or a trainer is to do
    architecture_names, clutter, presets, recipes, recipe_files, seeds, splits
              values and tables that both sides must agree on

Frame kinds, field names and the keys of jobs are a wire format: an image that was built earlier must
still understand them. This package needs the standard library only. It must not import anything else,
open files or start processes: what it parses on the host was written by untrusted code.
"""
