"""Every benchmark, one after the other: `python -m benchmarks`, or one by name: `python -m benchmarks.command_start`."""

from benchmarks import command_start, first_prediction

command_start.main()
first_prediction.main()
