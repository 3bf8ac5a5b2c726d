"""AWS on a laptop: one process, one port of 127.0.0.1, no account, no Docker.

MiniStack answers for the AWS services; `mends` makes it behave as AWS does where it does not;
`sagemaker` adds a SageMaker that really trains and really serves. `control` starts and stops the
server from outside, `doctor` says what stands in its way. Nothing here knows what runs on top.
"""
