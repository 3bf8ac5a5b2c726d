"""Every benchmark, one after the other: `python -m benchmarks`, or one by name: `python -m benchmarks.command_start`."""

from benchmarks import command_start, first_prediction, local_stage, secret_timing
from benchmarks.inference import __main__ as inference
from benchmarks.inference import rollback
from benchmarks.ingest import __main__ as ingest
from benchmarks.training import __main__ as training
from benchmarks.training import gates, stage

command_start.main()
secret_timing.main()
first_prediction.main()
ingest.main([])
inference.main([])
rollback.main([])
training.main([])
stage.main([])
gates.main()
local_stage.main([])
