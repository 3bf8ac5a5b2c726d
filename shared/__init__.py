"""What the three services agree on; it knows none of them."""
