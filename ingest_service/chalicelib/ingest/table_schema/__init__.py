"""What the columns of a dataset are: types, schema, inference, evolution and the rules of a row. Pure."""
