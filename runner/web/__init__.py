"""The web service of a competition: it takes files, and shows what each may see. It judges nothing.

::

    request ──> hosts, headers (middleware) ──> who asks (access) ──> api · pages ──> store
                                                     │
                  body ── intake.body ──> FILES/uploads/NAME ──> a row in the state `received`

    unlearn competition evaluate: received ──> checking ──> queued or refused  (runner.contest.service)

``serve`` runs it, ``app`` puts it together from `settings` and `context`. Machines use ``/api/v1`` with a
bearer token (`access`), people use pages with a cookie that they get for a token (`sessions`); neither works
in place of the other, so what a browser sends by itself never changes anything.

This process must not start containers, open archives, compute scores or import what does: a fault here costs
the service, and not the hidden data. It runs as a user who cannot reach the container engine (`privileges`).
Everything is bounded: the size of a body, its slowness, the memory for it, the rate of attempts.
"""
