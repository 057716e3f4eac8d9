"""Prepare this host: a container engine that answers, the image, and further runtimes.

`engine` installs and starts Docker where no engine answers, then has the image built; `runtimes`
registers crun or gVisor with an engine that this project started. Both change the host only as
root, on Debian or Ubuntu; elsewhere an error says what to install. Neither changes an engine that
the operator manages (``DOCKER_HOST``, or a service of systemd that is configured elsewhere).
"""
