"""The container engine: what a container is, how it is started, where it may run.

::

    container_spec    limits -> ContainerSpec, for any engine: user, capabilities, memory, processes, ulimits,
                      file systems in memory, masked paths
    docker_options    ContainerSpec -> Docker's options; adds what no specification can change
    podman            Docker's options -> Podman's
    api               the protocols `Engine`, `Images` and `Container` that the rest of the project uses
    docker_engine, docker_images, docker_container, docker_connection
                      these protocols over Docker's API
    connect                                  which implementation this machine uses
    placement, capacity, control_groups      runtime, device, memory of the host and of a container
    outer_groups                             whether memory or processes ran out around a container
    run_uids                                 user ids of runs that nobody on this machine has yet
    gpus                                     CDI specifications, and partitioned GPUs
    session                                  labels of this process, removal of dead processes' containers

To add an engine, implement `api` and choose it in `connect`. `info`, `runner.setup` and `runner.doctor` are
about Docker and Podman, so they need additions too. The docker library is imported here and nowhere else.

`container_spec` and `docker_options` are the wall; ``options.json`` and ``podman.json`` in
``tests/runner/golden/`` record their result, so a change to the wall shows in its diff. The package must not
know what runs inside a container, nor the store.
"""
