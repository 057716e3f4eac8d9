"""The one image that all containers are started from: what it consists of, and how it is built.

::

    Dockerfile, requirements/image*.txt, sandbox/  ── inputs ──> digests and build contexts
                                                       │
                          image ── find, require, remove ──> Image (digest, identity, tag)
                          build ── base ─> deps ─> extras ─> sandbox ──> Image

The image is named by the SHA-256 of its inputs, so a changed input makes another image, and an
evaluation can be resumed only with its own. Building needs a checkout of the project. No
container is started here.
"""
