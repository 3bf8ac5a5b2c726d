"""How each call site is reached: its adapter over a cloud in which that one call goes wrong; by place and operation."""

from docs.aws_errors import of_operator, of_services, of_shared
from docs.aws_errors.of_shared import Probe

PROBES: dict[tuple[str, str], Probe] = of_shared.PROBES | of_services.PROBES | of_operator.PROBES
