"""What training promises, measured."""
