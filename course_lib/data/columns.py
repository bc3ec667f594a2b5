"""Column names of every frame in the course. One class, no other spelling anywhere."""


class Columns:
    """Events have USER, ITEM, TIME, BASKET; items have ITEM and what is known about a product."""

    USER = "user_id"  # int32, 0-based within the dataset
    ITEM = "item_id"  # int32, 1-based; 0 is padding and never a product
    TIME = "timestamp"  # int64, seconds since 1970-01-01 UTC
    BASKET = "basket_id"  # int64, events of one basket share it; order inside a basket may mean nothing
    CODE = "item_code"  # str, the product's name in the original data
    TITLE_ZH = "title_zh"
    TITLE_EN = "title_en"
    DEPARTMENT = "department"  # str id
    TYPE = "product_type"  # str id
    TYPE_ZH = "product_type_zh"
    TYPE_EN = "product_type_en"
    DEPARTMENT_ZH = "department_zh"
    DEPARTMENT_EN = "department_en"
    BRAND = "brand"
    PRICE = "price"  # float, CNY for the shop, USD for Complete Journey
    EMOJI = "emoji"  # one emoji that stands for the product type
    COLOUR = "colour"  # "#rrggbb", the card's background


EVENT_COLUMNS = (Columns.USER, Columns.ITEM, Columns.TIME, Columns.BASKET)
ITEM_COLUMNS = (
    Columns.ITEM, Columns.CODE, Columns.TITLE_ZH, Columns.TITLE_EN, Columns.DEPARTMENT, Columns.DEPARTMENT_ZH,
    Columns.DEPARTMENT_EN, Columns.TYPE, Columns.TYPE_ZH, Columns.TYPE_EN, Columns.BRAND, Columns.PRICE,
    Columns.EMOJI, Columns.COLOUR,
)  # fmt: skip
