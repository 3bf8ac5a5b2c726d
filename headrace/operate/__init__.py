"""Commands with the caller's AWS credentials; `infra` and `localcloud` are imported only when they run."""
