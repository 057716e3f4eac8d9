"""Pages of results: self-contained HTML files that open from disk, without scripts and without requests.

::

    data of runner.reports ──> templates (jinja2) ──> one HTML file
                    └────────> figures (matplotlib SVG, inline)

``environment`` fills the templates: autoescaping on, undefined names are errors. ``text`` shows what
strangers wrote; in a template that is ``{{ x | name }}``, ``{{ x | line }}`` or ``{{ x | block }}``.
``style`` has the one style sheet and the policy (CSP) that allows it and nothing else; so there are no
``style`` attributes. ``write`` writes a page whole or not at all.

A page adds nothing to its data: what a reader may see is decided before, in `runner.reports.participant`.
No text of a submission is drawn inside a figure. Equal data give equal bytes: no dates of writing, no random
ids.
"""
