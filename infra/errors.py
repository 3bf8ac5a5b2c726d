"""What a deployment can fail with; every message says what was wrong, where, and what to do.

DeployError
├── InvalidStage     the stage's name
├── InvalidKey       a key of one's own that cannot encrypt the stage
├── InvalidChoice    something chosen of a stage that cannot be, or would have no effect
├── StackFailed      CloudFormation; names the first resource that failed
├── RenderError      a template of `.chalice/templates`
├── PackageTooLarge  a Lambda zip is over AWS's limits
├── ChaliceFailed    Chalice's deployer; carries the end of what it printed
├── DeployedMeanwhile somebody else deployed the same service at the same time
├── CallRefused      AWS took a call and refused a part of it
├── NotDeployed      something is needed that no deployment has made yet
├── NoSuchToken      no token has the id that was given
├── DestroyFailed    something of a stage could not be removed yet
└── RecipeBuildError a recipe's tarball (in `infra.recipes`)
"""


class DeployError(Exception):
    """Base of all deliberate errors of a deployment."""


class InvalidStage(DeployError):
    """The stage's name cannot be used."""


class InvalidKey(DeployError):
    """The stage cannot be encrypted with that key."""


class InvalidChoice(DeployError):
    """What was chosen cannot be, or would have no effect."""


class StackFailed(DeployError):
    """A CloudFormation stack did not reach its goal."""


class RenderError(DeployError):
    """A template names an unknown value or does not give JSON."""


class PackageTooLarge(DeployError):
    """Lambda would refuse the zip."""


class ChaliceFailed(DeployError):
    """Chalice could not deploy a service."""


class DeployedMeanwhile(DeployError):
    """Somebody else deployed the same service at the same time."""


class CallRefused(DeployError):
    """AWS took a call and refused a part of it."""


class DestroyFailed(DeployError):
    """Something of a stage could not be removed yet."""


class NoSuchToken(DeployError):
    """No token has the id that was given."""


class NotDeployed(DeployError):
    """Something is needed that no deployment has made yet."""
