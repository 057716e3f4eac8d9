"""Searches every folder of the container for files of the run before."""

import os


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    own = os.path.join(os.getcwd(), ".submission")
    for folder, folders, files in os.walk("/"):
        folders[:] = [name for name in folders if name not in ("proc", "sys")]
        if folder.startswith(own):
            continue
        if found := [name for name in (*folders, *files) if "unlearn-hostile" in name]:
            raise Escaped(f"{found} in {folder}")
