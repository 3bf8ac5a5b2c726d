"""What trains, judges and serves forecasts of many series; travels in the recipe tarball and in the model."""
