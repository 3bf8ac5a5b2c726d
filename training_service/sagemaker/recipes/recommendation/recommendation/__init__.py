"""What trains, judges and serves recommendations; travels in the recipe tarball and in the model."""
