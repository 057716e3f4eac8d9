"""The one image that all containers are started from: what it consists of, and how it is built.

::

    Dockerfile, requirements/image*.txt, sandbox/  ── inputs ──> digests and build contexts
                                                       │
                          image ── find, require, remove ──> Image (digest, identity, tag)
                          build ── base ─> deps ─> extras ─> sandbox ──> Image

The image is named by the SHA-256 of its inputs, so a changed input makes another image, and an
evaluation can be resumed only with its own. No container is started here. What it is built from is in
the checkout or in the installed package (`runner.checkout`). It can also be fetched: ``transfer`` moves it
through a registry or a file, ``contents`` checks what came. ``platform`` says which wheels an engine needs,
``torch_wheels`` takes two of them from another package index.
"""
