"""Proof of the flags over many challenges: cheats must be flagged, honest submissions must not.

Challenges, submissions and outputs are made by the project's own code in one process, without containers
for single runs, so that some thousand runs are affordable::

    problem        the digits challenge of a seed: data, original network, references
       └── runs    a submission's runs on it: outputs and processor seconds
    selection      populations that are chosen from retrained networks, without any run
    populations    the folder of results: one npz for each population, with a side file
    generate       makes what is missing, in the order in which it is needed
    cards, rates   the score card of each population; how often each flag is raised, with limits
    report         the table, as JSON for docs/integrity.md

What imports torch (`problem`, `runs`, `generate`) works inside the image alone; benchmarks/README.md has the
command. The rest works on the host.
"""
