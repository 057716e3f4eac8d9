"""What may stand in a container: mounts and devices of the project's own specification, and nothing more."""

from __future__ import annotations

import json

import pytest

from runner.challenge.limits import Limits
from runner.clients.surroundings import Surroundings, problems_of, require_closed
from runner.engine.container_spec import evaluator_container, trainer_container, worker_container
from runner.engine.placement import ALL_GPUS, DEFAULT_PLACEMENT, GVISOR, GpuRequest, Placement
from runner.errors import HostNotReadyError, SandboxStartError
from sandbox.surroundings import mounts, surroundings, variables

ON_GPU = Placement(gpu=GpuRequest(name="GPU-1", by_cdi=True))
OF_DOCKER = [
    ("/", "overlay", True),
    ("/proc", "proc", False),
    ("/proc/keys", "tmpfs", False),
    ("/sys/fs/cgroup/memory", "cgroup", True),
    ("/dev", "tmpfs", False),
    ("/dev/shm", "tmpfs", False),
    ("/tmp", "tmpfs", False),
    ("/scratch/0", "tmpfs", False),
    ("/etc/hostname", "ext4", True),
    ("/etc/hostname", "tmpfs", False),
    ("/run/.containerenv", "tmpfs", True),
    ("/run", "tmpfs", True),  # of Podman, as podman_options has it mounted
    ("/var/tmp", "tmpfs", True),
]
DEVICES = ["/dev/null", "/dev/urandom", "/dev/pts/0"]


def problems(
    *,
    mounted: list[tuple[str, str, bool]] = OF_DOCKER,
    devices: list[str] = DEVICES,
    placement: Placement = DEFAULT_PLACEMENT,
) -> list[str]:
    """Return what is refused of a container."""
    return list(problems_of(Surroundings(mounts=mounted, devices=devices), placement))


def test_what_engines_mount_for_this_project_is_accepted() -> None:
    """On the CPU and beside a GPU."""
    assert problems() == problems(placement=ON_GPU) == []


@pytest.mark.parametrize(
    ("path", "kind", "is_read_only"),
    [
        ("/run/nvidia-persistenced/socket", "tmpfs", False),  # CDI, by default
        ("/tmp/nvidia-mps", "tmpfs", False),
        ("/run/secrets", "tmpfs", False),  # Podman's default mounts
        ("/var/lib/data", "ext4", True),
        ("/etc/hosts", "ext4", False),
        ("/etc/passwd", "ext4", True),
        ("/proc/meminfo", "fuse.lxcfs", True),  # served by a daemon of the host
        ("/tmp", "ext4", False),
        ("/dev/shm", "9p", False),
        ("/", "overlay", False),
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.580.1", "ext4", True),  # without a GPU
        ("/proc", "ext4", True),
        ("/run", "tmpfs", False),
        ("/run", "ext4", True),
    ],
)
def test_other_mounts_are_refused(path: str, kind: str, is_read_only: bool) -> None:
    """Wherever they come from, and whatever they hide behind."""
    (problem,) = problems(mounted=[(path, kind, is_read_only)])
    assert path in problem


@pytest.mark.parametrize(
    "device", ["/dev/sda", "/dev/kvm", "/dev/nvidia0", "/dev/fuse", "/dev/dri/card0", "/dev/log"]
)
def test_other_devices_are_refused(device: str) -> None:
    """Without a GPU those of one, too."""
    assert problems(devices=[device]) == [f"the device {device}"]


def test_a_gpu_brings_its_nodes_and_read_only_files_of_the_driver() -> None:
    """And neither its neighbours' nodes nor a file that can be written to."""
    library = "/usr/lib/x86_64-linux-gnu/libcuda.so.580.1"
    nodes = ["/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-caps/nvidia-cap1"]
    assert problems(mounted=[(library, "ext4", True)], devices=nodes, placement=ON_GPU) == []
    assert problems(mounted=[(library, "ext4", False)], placement=ON_GPU)
    assert problems(mounted=[("/usr/lib/libevil.so.1", "ext4", True)], placement=ON_GPU)
    for device in ("/dev/nvidia-modeset", "/dev/nvidia-uvm-tools", "/dev/dri/renderD128"):
        assert problems(devices=[device], placement=ON_GPU) == [f"the device {device}"]


def test_gvisors_own_devices_are_accepted_under_gvisor_only() -> None:
    """Its kernel serves them; on any other runtime they are the host's."""
    assert problems(devices=["/dev/net/tun", "/dev/fuse"], placement=Placement(runtime=GVISOR)) == []
    assert len(problems(devices=["/dev/net/tun", "/dev/fuse"])) == 2


def test_the_refusal_names_the_first_and_counts_the_rest() -> None:
    """One sentence; control characters of a path are shown as escapes."""
    report = {"mounts": [["/a\x1b[2J", "ext4", False], ["/b", "ext4", True]], "devices": ["/dev/sda"]}
    with pytest.raises(HostNotReadyError, match=r"the mount /a.*written to\), and 2 more things") as error:
        require_closed(json.dumps(report).encode(), DEFAULT_PLACEMENT)
    assert "\x1b" not in str(error.value)


def test_an_earlier_image_that_reports_nothing_is_accepted_on_the_cpu_only() -> None:
    """With a GPU, what the engine added must be known."""
    require_closed(b"", DEFAULT_PLACEMENT)
    with pytest.raises(HostNotReadyError, match="too old for a GPU"):
        require_closed(b"", ON_GPU)


@pytest.mark.parametrize("report", [b"{", b"[]", b'{"mounts": []}', b'{"mounts": [["/"]], "devices": []}'])
def test_a_damaged_report_is_a_failed_start(report: bytes) -> None:
    """Not an empty list."""
    with pytest.raises(SandboxStartError):
        require_closed(report, DEFAULT_PLACEMENT)


def test_mountinfo_is_read_with_optional_fields_and_escapes() -> None:
    """As proc_pid_mountinfo(5) describes them."""
    text = (
        "355 157 0:103 / / ro,relatime master:6 shared:2 - overlay overlay rw,lowerdir=/x - y\n"
        "14 8 0:13 / /a\\040b\\012c ro  - 9p none ro,trans=fd\n"
    )
    assert mounts(text) == [("/", "overlay", True), ("/a b\nc", "9p", True)]


def of_report(**fields: object) -> list[str]:
    """Return what is refused of a container that reports this beside no mounts."""
    report = Surroundings.model_validate({"mounts": [], "devices": [], **fields})
    return list(problems_of(report, DEFAULT_PLACEMENT))


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/dev/full", "c1:1"),  # /dev/mem by another name
        ("/dev/null", "c10:232"),
        ("/dev/tty", "c4:64"),
        ("/dev/zero", "b8:0"),
        ("/dev/shm/disk", "b254:0"),
    ],
)
def test_a_device_with_another_number_is_refused_whatever_its_name(path: str, number: str) -> None:
    """Engines give a node of the host any name in a container."""
    assert of_report(devices=[path], numbers={path: number}) == [
        f"the device {path} with the number {number}"
    ]


def test_usual_devices_have_their_numbers() -> None:
    """Those that Linux has had for ever."""
    numbers = {"/dev/null": "c1:3", "/dev/console": "c136:7", "/dev/pts/ptmx": "c5:2", "/dev/urandom": "c1:9"}
    assert of_report(devices=list(numbers), numbers=numbers) == []


@pytest.mark.parametrize("name", ["API_TOKEN", "https_proxy", "LD_PRELOAD", "NVIDIA_VISIBLE_DEVICES"])
def test_a_variable_that_nobody_named_is_refused(name: str) -> None:
    """An administrator's default for all containers, or what a runtime adds; without a GPU its own, too."""
    assert of_report(variables=["PATH", "HOSTNAME", name]) == [f"the variable {name}"]


def test_a_gpu_brings_its_variables_and_one_gpu() -> None:
    """All of them only if all were asked for."""
    report = Surroundings(
        mounts=[], devices=["/dev/nvidia0", "/dev/nvidia7"], variables=["NVIDIA_VISIBLE_DEVICES"]
    )
    assert list(problems_of(report, ON_GPU)) == ["2 GPUs in place of one"]
    assert list(problems_of(report, Placement(gpu=GpuRequest(name=ALL_GPUS, by_cdi=True)))) == []


def test_a_container_that_shares_the_hosts_processes_is_refused() -> None:
    """Its first process has another number than 1; a cleanup could end processes of the host."""
    assert of_report(process=4711) == ["the list of all processes of the host"]


def test_every_variable_of_the_specification_is_known() -> None:
    """Of each role, with a GPU and without, and of the image."""
    for placement in (DEFAULT_PLACEMENT, ON_GPU):
        specs = (
            worker_container(image="i", limits=Limits(), labels={}, placement=placement),
            evaluator_container(image="i", cpus=1, labels={}, placement=placement),
            trainer_container(image="i", cpus=1, labels={}, placement=placement),
        )
        for spec in specs:
            report = Surroundings(mounts=[], devices=[], variables=list(spec.environment))
            assert list(problems_of(report, placement)) == []


def test_variables_are_named_unless_they_are_empty() -> None:
    """Empty ones are how Podman is kept from adding its own."""
    assert variables(b"PATH=/bin\0http_proxy=\0B=x=y\0C\0") == ["B", "PATH"]


def test_this_process_can_report_itself() -> None:
    """As JSON that the host reads."""
    report = Surroundings.model_validate_json(surroundings())
    assert report.process > 1
    assert report.numbers["/dev/null"] == "c1:3"
    assert "PATH" in report.variables
