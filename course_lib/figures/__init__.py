"""Pictures: data in, :class:`Figure` out. A test reads ``.frame``, a page draws ``.plot(dark)``. No torch here.

Begin with ``base.py``, what a figure is, and ``curves.py``, the picture that a learner watches most.
"""

from course_lib.figures.attention import attention_on_history, order_matters
from course_lib.figures.base import Figure
from course_lib.figures.curves import learning_curve, loss_curve
from course_lib.figures.lists import history_timeline, list_by_epoch
from course_lib.figures.maps import item_map, map_extent
from course_lib.figures.path import course_map
from course_lib.figures.products import price_text, product, product_card, product_cards
from course_lib.figures.results import result_bars

__all__ = [
    "Figure",
    "attention_on_history",
    "course_map",
    "history_timeline",
    "item_map",
    "learning_curve",
    "list_by_epoch",
    "loss_curve",
    "map_extent",
    "order_matters",
    "price_text",
    "product",
    "product_card",
    "product_cards",
    "result_bars",
]
