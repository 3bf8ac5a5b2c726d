"""The stories of the training service, one module per chapter.

planning (a dataset version asks for a model) → admission (the pipeline's own wish) → submission (the quota admits,
SageMaker accepts) → following (SageMaker moves) → finalising (the artifact becomes a model version) → judging (the
gate, or a person, decides) → telling (the bus hears of it). Where another version went live meanwhile, comparing asks
for a job that judges the two again, and evaluating takes up what it found. ``triggers`` are the events that start a
chapter, ``requests`` the REST calls, ``reconciling`` mends whatever an event or a crash left undone.
"""
