"""The host's side: runs submissions in sealed containers and keeps what comes of it.

::

    cli ──> evaluation ──> worker, evaluator ──> channel ──> engine ──> Docker
                │               (frames)         (bytes)
                ├──> verdict     pure: what was observed -> how a run ended
                ├──> checkpoint  pure: bytes -> accepted or not, without torch
                ├──> store       SQLite: what is finished stays finished
                └──> scoring     pure: outputs -> score

Trusted, and light on purpose: no torch, no pickle, and nothing that a submission wrote is
imported, unpacked or rendered unescaped. Whatever a submission does wrong is a value
(`runner.verdict.Verdict`); what goes wrong on our side is an exception (`runner.errors`).
"""
