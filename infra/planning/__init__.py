"""What a deployment would make, allow, need and cost, before anything is made: no account needed."""
