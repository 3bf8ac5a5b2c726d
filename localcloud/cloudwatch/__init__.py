"""CloudWatch's own work: metrics out of log lines, what a minute is made of, when an alarm changes its state.

Pure but for `clock`; what fetches from MiniStack and writes to it is in `localcloud/mends/`.
"""
