"""What trains, judges and serves a model of rows and columns; travels in the recipe tarball and in the model."""
