"""Looks into the mount table for folders of the host; must find none."""

import re


class Escaped(Exception):
    """What must not succeed did."""


def unlearning(net, retain, forget, val):
    for name in ("mountinfo", "mounts", "mountstats"):
        with open(f"/proc/self/{name}") as file:
            for line in file:
                if found := re.search(r"/(?:var|home|root|mnt|data|srv|work)/[^ ,:]+|lowerdir=[^ ,:]+", line):
                    raise Escaped(f"{name} shows {found.group()}")
