"""Figures, as ratios to a peer or beside a floor of the same run; none is a test."""
