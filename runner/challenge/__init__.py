"""A challenge as data: its description, files, limits, splits, reference outputs and export.

::

    folder ──> load ──> description   challenge.toml, every field checked
                 ├────> split_checks  splits share no example and no person
                 ├────> outputs       outputs of the references
                 ├────> build_facts   observations of its build, in no hash
                 └────> challenge     the checked value that every other package receives
                          ├──> limits, seeds, reference_accuracy
                          ├──> cautions  why scores on it may mean little
                          └──> export   the part that participants receive

Every file of a challenge is untrusted until its hash and content are checked. An organizer's own network is
read as text and must never be imported here. The package knows no engine, no container and no store.
"""
