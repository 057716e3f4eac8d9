"""One view of an evaluation as data, and its renderers.

::

    store, summary, runs, log ──> make ──> EvaluationView ──> terminal · annotations · junit · JSON
                                              (model)

``make`` collects what there is; for readers who are participants, `runner.reports.participant` removes what
the challenge's feedback policy hides. Renderers decide how a view looks and nothing else: they take whatever
the view has. All text in a view is sanitized already; each renderer escapes what its own format needs.
"""
