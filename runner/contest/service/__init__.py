"""What the evaluating process does for the web service, which itself judges nothing.

::

    attendant   checks what came while evaluations go on
    checker     received entries become queued or refused ones, by the code of ``sync``
    publishing  writes what is shown of results, after entries have ended
    snapshot    these files: what they hold and where they lie
"""
