"""What every recipe family shares; packed into each family's tarball beside its own package."""
