"""Searches the mount table for folders of the host; must find none."""

import os
import re


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for name in ("mountinfo", "mounts", "mountstats"):
        if not os.path.exists(f"/proc/self/{name}"):
            continue
        with open(f"/proc/self/{name}") as file:
            for line in file:
                if found := re.search(r"/(?:var|home|root|mnt|data|srv|work)/[^ ,:]+|lowerdir=[^ ,:]+", line):
                    raise Escaped(f"{name} shows {found.group()}")
