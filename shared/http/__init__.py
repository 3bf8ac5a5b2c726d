"""The edge of the REST APIs: routes declared once, errors in one shape, one OpenAPI document."""
