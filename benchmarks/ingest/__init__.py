"""P1 to P5: what it costs to make a dataset of a dirty CSV file, beside four libraries that could do it."""
