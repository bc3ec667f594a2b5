"""Looking inside a trained model: lists, attention, maps."""
