"""The inference service: releases, the router, predictions and their record."""
