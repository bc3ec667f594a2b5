"""Recommenders, one file each; a file here is a model of the course."""
