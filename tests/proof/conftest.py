"""What IAM was asked, as the end-to-end tests look at it too."""

from tests.e2e.test_measured_privileges import asked, policies

__all__ = ["asked", "policies"]
