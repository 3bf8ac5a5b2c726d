"""The story of each trigger, with the adapters as arguments.

``rollout``: a candidate on its way to live; ``requests``: what people and events ask for; ``tidying``: the
reconciler and the reaper; ``predicting``: one prediction request.
"""
