"""The container engine: what a container is, how it is started, where it may run.

::

    container_spec    limits -> ContainerSpec, in neutral words: how closed each container is
    docker_options    ContainerSpec -> what Docker's API takes; podman translates that once more
    api               the protocols `Engine`, `Images` and `Container` that the rest of the project uses
    client, images, container, connection    the same, over Docker's API
    placement, capacity, gpu_lock            runtime, device, memory, one submission on a GPU at a time
    session                                  labels of this process, removal of dead processes' containers

The docker library is imported here and nowhere else. The package must not know what runs inside a
container, nor the store. `container_spec` and `docker_options` are the wall: a golden record of their
result lies in the tree, so whoever loosens it shows it in the diff.
"""
