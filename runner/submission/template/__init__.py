"""The files of a new submission, as `unlearn new` writes them; each has ``.txt`` after its name here.

They are data: nothing imports them, and the host's tools take none of them for code of the project.
"""
