"""The door to the shop's truth: what no model, loader or split may see is read through this package.

next_product   the oracle: each shopper's true distribution over the next product
intents        what every query asks for, and the definition of relevance
search         true relevance of queries and products, what makes a shopper click and buy
slates         examination, attractiveness, any policy's true value
identity       who an unknown visitor really is, and what was considered before each purchase
coupons        each shopper's true chances with and without a coupon, and the best targeting
satisfaction   true utility after each purchase, true quality of each product
departments    how far a taste in one department tells what is liked in another
life           the state of shoppers between the weeks
weeks          how well purchases fit, how relevant slates were, how tastes drifted
patience       who leaves for good, when purchases disappoint or cost too much

The rooms ``data`` and ``models`` may not import it (tests/test_floor_plan.py), and nothing that they are handed leads
to it (tests/shop/test_truth_door.py). The frames beside it, in course_lib/shop, have observable columns only: the names
in course_lib/data/columns.py. A column of the truth has a name that is not there.
"""
