"""A real Slurm of two nodes on loopback, with fake GPUs, that is torn down by its own process ids.

Several slurmd of one machine are told apart by name and port. `srun` inside a job finds its
configuration in /etc/slurm alone, so only one such cluster stands at a time, and none where a
Slurm is configured already.
"""

import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ETC = Path("/etc/slurm")
LINKS = ("slurm.conf", "gres.conf")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "srun", "sinfo")
NUM_NODES = 2
GPUS_PER_NODE = 2
LIMIT_SECONDS = 60
NULL_DEVICE = os.makedev(1, 3)

# Accounting is off: status comes from squeue, which keeps ended jobs for MinJobAge.
SLURM_CONF = """\
ClusterName=toy
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoInAddrAny
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/run/munge.sock
CryptoType=crypto/munge
StateSaveLocation={root}/spool/ctld
SlurmdSpoolDir={root}/spool/%n
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd.%n.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SwitchType=switch/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
MinJobAge=86400
SlurmdTimeout=15
SlurmctldTimeout=30
KillWait=3
InactiveLimit=0
JobRequeue=0
GresTypes=gpu
SlurmdParameters=config_overrides
MailProg=/bin/true
PartitionName=cpu Nodes={nodes} Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
PartitionName=gpu Nodes={nodes} Default=NO MaxTime=INFINITE State=UP
"""
# More cores and memory than there may be: config_overrides lets jobs queue by these numbers.
NODE = (
    "NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=4 RealMemory=64000"
    " Gres=gpu:h200:{gpus} State=UNKNOWN\n"
)
GRES = "NodeName={node} Name=gpu Type=h200 File={root}/dev/{node}-gpu[0-{last}]\n"


def obstacle() -> str | None:
    """Why no cluster can stand here, or None."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"no {', '.join(missing)}; Debian has them in slurm-wlm and munge"
    if os.geteuid() != 0:
        return "slurmd of a test runs as root only"
    if any((ETC / name).exists() for name in LINKS):
        return f"a Slurm is configured in {ETC}"
    return None


@dataclass(frozen=True)
class Cluster:
    """A running cluster; its files stand in `root`."""

    root: Path

    @property
    def nodes(self) -> list[str]:
        """Names that no other cluster has: processes are known as this one's by them."""
        tag = hashlib.sha256(str(self.root).encode()).hexdigest()[:8]
        return [f"n{number}-{tag}" for number in range(1, NUM_NODES + 1)]

    def ask(self, *command: str) -> str:
        """What a program of Slurm says; one that hangs is an error."""
        answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        return answer.stdout

    def running(self, rule: str) -> list[tuple[str, str]]:
        """(job id, node) of the running jobs of a rule."""
        lines = self.ask("squeue", "-h", "-t", "RUNNING", "-o", "%A|%N|%k").splitlines()
        jobs = [line.split("|", 2) for line in lines]
        return [(job, node) for job, node, comment in jobs if rule in comment]

    def states(self) -> dict[str, str]:
        """State of each node."""
        lines = self.ask("sinfo", "-h", "-N", "-p", "cpu", "-o", "%N %T").splitlines()
        return dict(line.split() for line in lines)

    def kill_node(self, node: str) -> None:
        """SIGKILL a slurmd and all that runs below it, as a power cut would."""
        own = [int((self.root / f"run/slurmd.{node}.pid").read_text())]
        for process_id in (int(path.name) for path in Path("/proc").glob("[0-9]*")):
            if environment_of(process_id).get("SLURMD_NODENAME") == node:
                own += [process_id, *step_daemons_above(process_id)]
        for process_id in dict.fromkeys(own):
            kill(process_id)

    def pids(self) -> list[int]:
        """Of its daemons, in the order in which they are to end."""
        names = [*(f"slurmd.{node}" for node in self.nodes), "slurmctld", "munged"]
        files = [self.root / f"run/{name}.pid" for name in names]
        return [int(path.read_text()) for path in files if path.exists()]


@contextmanager
def running_cluster(root: Path) -> Iterator[Cluster]:
    """A cluster below an empty folder, ended with everything that it started.

    Raises:
        FileExistsError: If another cluster stands on this machine, which is left alone.
    """
    cluster = Cluster(root)
    claim(root)
    try:
        set_up(cluster)
        start(cluster)
        wait_until(lambda: set(cluster.states().values()) == {"idle"}, "nodes that are idle")
        yield cluster
    finally:
        tear_down(cluster)


def claim(root: Path) -> None:
    """Make this the machine's cluster; the links are the lock, and only their maker goes on."""
    ETC.mkdir(exist_ok=True)
    root.mkdir(parents=True, exist_ok=True)
    for name in LINKS:
        if is_left_behind(ETC / name):
            (ETC / name).unlink()
    (ETC / "slurm.conf").symlink_to(root / "etc/slurm.conf")


def is_left_behind(link: Path) -> bool:
    """Whether a link is that of a cluster whose session was killed, and whose folder is gone."""
    if not link.is_symlink():
        return False
    target = link.readlink()
    return target.is_absolute() and target.parent.name == "etc" and not target.parents[1].exists()


def set_up(cluster: Cluster) -> None:
    """Configuration, key and fake devices."""
    root, names = cluster.root, cluster.nodes
    for name in ("etc", "log", "run", "dev", "spool/ctld", *(f"spool/{node}" for node in names)):
        (root / name).mkdir(parents=True)
    host, ports = socket.gethostname(), free_ports(NUM_NODES + 1)
    nodes = "".join(
        NODE.format(node=node, host=host, port=port, gpus=GPUS_PER_NODE)
        for node, port in zip(names, ports[1:], strict=True)
    )
    # Nodes are declared before the partitions that name them.
    text = SLURM_CONF.format(root=root, host=host, port=ports[0], nodes=",".join(names))
    text, partitions = text.split("Partition", 1)
    (root / "etc/slurm.conf").write_text(f"{text}{nodes}Partition{partitions}")
    gres = (GRES.format(node=node, root=root, last=GPUS_PER_NODE - 1) for node in names)
    (root / "etc/gres.conf").write_text("AutoDetect=off\n" + "".join(gres))
    for node in names:
        for number in range(GPUS_PER_NODE):
            os.mknod(root / f"dev/{node}-gpu{number}", stat.S_IFCHR | 0o666, NULL_DEVICE)
    key = root / "etc/munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    (ETC / "gres.conf").symlink_to(root / "etc/gres.conf")


def start(cluster: Cluster) -> None:
    """The four daemons; each goes to the background by itself."""
    root = cluster.root
    munge = [f"--key-file={root}/etc/munge.key", f"--socket={root}/run/munge.sock"]
    munge += [f"--pid-file={root}/run/munged.pid", f"--log-file={root}/log/munged.log"]
    commands = [["munged", "--force", *munge, f"--seed-file={root}/run/munge.seed"]]
    conf = str(root / "etc/slurm.conf")
    commands += [["slurmctld", "-f", conf, "-c"]]
    commands += [["slurmd", "-f", conf, "-N", node] for node in cluster.nodes]
    for command in commands:
        subprocess.run(command, check=True, timeout=30, stdout=subprocess.DEVNULL)


def tear_down(cluster: Cluster) -> None:
    """End this cluster's jobs, then its daemons; take its links out of /etc/slurm."""
    for process_id in (int(path.name) for path in Path("/proc").glob("[0-9]*")):
        if environment_of(process_id).get("SLURMD_NODENAME") in cluster.nodes:
            for own in (process_id, *step_daemons_above(process_id)):
                kill(own)
    for process_id in cluster.pids():
        kill(process_id)
    # A step whose processes have gone keeps its own daemon, which works in the cluster's folder.
    for path in Path("/proc").glob("[0-9]*"):
        if is_step_daemon_below(path, cluster.root):
            kill(int(path.name))
    for name in LINKS:
        link = ETC / name
        if link.is_symlink() and link.readlink() == cluster.root / "etc" / name:
            link.unlink()


def is_step_daemon_below(process: Path, root: Path) -> bool:
    """Whether a folder of /proc is that of a slurmstepd that works below a folder."""
    try:
        name, folder = (process / "comm").read_text(), (process / "cwd").readlink()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return name.startswith("slurmstepd") and folder.is_relative_to(root)


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def environment_of(process_id: int) -> dict[str, str]:
    """A process's environment, {} for one that has ended."""
    try:
        text = Path(f"/proc/{process_id}/environ").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return {}
    return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)


def step_daemons_above(process_id: int) -> list[int]:
    """The slurmstepd that runs a process."""
    found = []
    while process_id > 1:
        try:
            fields = Path(f"/proc/{process_id}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            break
        name, rest = fields.split("(", 1)[1].rsplit(")", 1)
        if name.startswith("slurmstepd"):
            found.append(process_id)
        process_id = int(rest.split()[1])
    return found


def kill(process_id: int) -> None:
    try:
        os.kill(process_id, signal.SIGKILL)
    except ProcessLookupError:
        return


def wait_until(condition, what: str, limit: float = LIMIT_SECONDS) -> None:
    """Wait for a condition; an error names what never came."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, f"waited {limit} s for {what}"
        time.sleep(0.5)
