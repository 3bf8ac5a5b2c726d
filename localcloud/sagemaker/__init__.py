"""A SageMaker that really works, for MiniStack: jobs train and endpoints serve in local processes.

It stands in for the service alone: everything it knows about requests comes from botocore's own
model, everything it runs comes from AWS's toolkits. `plugin.install` is the only way in.
"""
