"""Deploy Headrace: CloudFormation, Chalice, hardening, edge; the same code for AWS and the local cloud."""
