"""One step a file, each from one version to the next."""
