"""The score card: all numbers on one submission, as one value and as JSON.

    Outputs of runs, Outputs of references ── make ──> ScoreCard ── codec ──> JSON and back

`make` calls every measure of the package and computes nothing itself; `flags` turns the results
into the card's flags. A part that cannot be computed is None, and the card has the reason. `card`
defines the fields; they are a stored format, so a field is never renamed or given another meaning.
`codec` reads JSON strictly, because the file may be damaged or written by another version.
"""
