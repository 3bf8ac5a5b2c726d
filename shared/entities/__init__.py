"""The things Headrace keeps: definitions, rows and manifests, as frozen structs without behaviour of AWS."""
