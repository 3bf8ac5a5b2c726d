"""P6 to P8: what a prediction request costs in the Lambda handler, beside its peers in the same run."""
