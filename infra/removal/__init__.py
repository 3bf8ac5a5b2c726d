"""Remove what a deployment made, kind by kind: each knows how its things are found, and how one of them goes."""
