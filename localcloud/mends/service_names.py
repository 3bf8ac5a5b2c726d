"""Requests find their service without all that botocore knows of all services."""

import botocore.session
from ministack.core import router

from localcloud.mends.patch_points import require
from localcloud.settings import Settings

MEND = "service_names"


def mend(settings: Settings) -> None:
    """Take botocore's list of services for the names that a signature may carry.

    AWS: a signature says which service its request is for (IAM user guide, "Elements of an AWS API request signature").
    MiniStack 1.5.33: reads and keeps the models of all 434 services when a request is for one that it does not have itself, which
    the first for SageMaker is: 400 MB and 2.8 s of CPU time (measured).
    """
    del settings
    require(MEND, router, "_is_aws_service_name", "if _KNOWN_AWS_SERVICE_NAMES is None:")
    require(MEND, router, "_KNOWN_AWS_SERVICE_NAMES")
    # Few services sign by another name than they are listed under, and MiniStack has those of them that matter here.
    router._KNOWN_AWS_SERVICE_NAMES = frozenset(botocore.session.get_session().get_available_services())
