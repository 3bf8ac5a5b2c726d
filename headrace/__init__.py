"""The `headrace` command: `client/` talks REST with a token, `operate/` works with AWS credentials."""
