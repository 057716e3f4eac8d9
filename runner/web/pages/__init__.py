"""The pages of the web service, for browsers: HTML without scripts, forms with tokens of their session.

::

    looks     renders a page: templates of ``runner/web/templates`` over those of `runner.pages`
    visit     who looks: sessions, log-in and log-out
    contest   phases, leaderboards, the form to hand in, the choice for a final
    own       entries of a team: list, one with its report, take back, and a feed
    forms     reads a form with a file from a request, piece by piece
    errors    a problem as a page, for browsers

What is shown is what the API answers: the pages call the functions that its routes call.
"""
