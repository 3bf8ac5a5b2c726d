"""Jobs: a container that is given data, runs to its end and gives back what it made.

`operations` is what the API does with a job of any kind, `job_run` its life from start to end in a thread, `job_status`
the states it goes through. Each kind then has three modules: what sets it apart (`training`), what its container finds
or what becomes of its records (`training_files`), and its story, step by step (`training_run`).
"""
