"""The training loop's settings, torch-free so that the web process can check them."""

from __future__ import annotations

from dataclasses import replace

from course_lib.models.catalogue import Setting, model_card, parse_settings

# name: (default, lowest, highest), or (default, *choices) for words; a model may have defaults of its own. They were
# found by search, the lesson's by `python -m benchmarks presets`: benchmarks/README.md tells of it
SETTINGS: dict[str, tuple[int | float | str, ...]] = {
    "epochs": (4, 1, 100),
    "batch_size": (64, 8, 1024),  # histories a step
    "learning_rate": (0.014, 0.00001, 0.1),  # peak of the schedule
    "weight_decay": (0.3, 0.0, 1.0),
    "schedule": ("cosine", "cosine", "constant", "averaged"),  # what the rate does after its warm-up; see rate.py
    "patience": (0, 0, 100),  # epochs without a better validation score after which training stops; 0: never
    "loss": ("auto", "auto", "softmax", "sampled"),  # auto: sampled from LARGE products on
    "negatives": (512, 16, 16384),  # products that the sampled loss draws for a batch
}
LARGE = 20_000  # products from which "auto" samples
DEFAULTS = {name: values[0] for name, values in SETTINGS.items()}


def is_sampled(loss: str, num_items: int) -> bool:
    """Whether the setting ``loss`` ("auto", "softmax", "sampled") means the sampled loss for a catalogue."""
    return loss == "sampled" or (loss == "auto" and num_items > LARGE)


def loop_settings(model: str) -> dict[str, Setting]:
    """The loop's settings with the defaults that suit ``model``; raises CourseError for an unknown model."""
    own = model_card(model).training
    return {
        name: replace(setting, default=own.get(name, setting.default))
        for name, setting in parse_settings(SETTINGS).items()
    }
