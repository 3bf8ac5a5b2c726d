"""The same job by other libraries, each a program for the environment of requirements/bench.txt."""
