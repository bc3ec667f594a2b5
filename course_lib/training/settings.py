"""The training loop's settings, torch-free so that the web process can check them."""

# name: (default, lowest, highest); the defaults are the lesson's preset (see data/shop/card.md for how they were found)
SETTINGS = {
    "epochs": (4, 1, 100),
    "batch_size": (64, 8, 1024),  # histories a step
    "learning_rate": (0.014, 0.00001, 0.1),  # peak of the schedule
    "weight_decay": (0.3, 0.0, 1.0),
}
