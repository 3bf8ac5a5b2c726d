"""The formats an upload may have: one module each, all behind one streaming interface."""
