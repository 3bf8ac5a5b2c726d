"""What training costs beside its peers, and how good each example's model is."""
