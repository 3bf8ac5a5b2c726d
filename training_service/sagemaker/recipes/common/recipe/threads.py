"""Cap native threads before numpy is imported: more threads than CPUs make boosting 60 times slower, not faster.

Those there are sleep while they wait: by OpenMP's default they spin, and where another job has a share of the CPUs most
of the time is spun away (8,000 rows by two threads on two busy CPUs: 6 CPU seconds spinning, 0.65 sleeping).
"""

import math
import os
from collections.abc import MutableMapping
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
CGROUP_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


def effective_cpus(environ: MutableMapping[str, str], cpu_max: Path = CGROUP_CPU_MAX) -> int:
    """Return how many CPUs this process may really use: affinity, cgroup quota and SM_NUM_CPUS, the least."""
    limits = [len(os.sched_getaffinity(0))]
    announced = environ.get("SM_NUM_CPUS", "")
    if announced.isdigit():
        limits.append(int(announced))
    limits += _cgroup_limit(cpu_max)
    return max(1, min(limits))


def _cgroup_limit(cpu_max: Path) -> list[int]:
    if not cpu_max.is_file():
        return []
    quota, _, period = cpu_max.read_text(encoding="ascii").strip().partition(" ")
    return [math.ceil(int(quota) / int(period))] if quota.isdigit() and period.isdigit() else []


def cap_threads(environ: MutableMapping[str, str], most: int | None = None) -> int:
    """Set the variables of OpenMP and BLAS, no more threads than someone already asked for; return the cap."""
    cap = min(effective_cpus(environ), most or math.inf)
    for name in THREAD_VARIABLES:
        asked = environ.get(name, "")
        environ[name] = str(min(int(asked), cap) if asked.isdigit() and int(asked) else cap)
    environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return int(cap)
