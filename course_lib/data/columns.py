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
    PRICE = "price"  # float, CNY for the shop, USD for Complete Journey; NaN where an added file has none
    EMOJI = "emoji"  # one emoji that stands for the product type
    COLOUR = "colour"  # "#rrggbb", the card's background
    POSITION = "position"  # int, place in what was shown, 1 is the first; 0 where nothing was shown
    BOUGHT = "bought"  # bool, whether what was shown was bought from there; what a coupon is for, in its time
    ORGANIC = "organic"  # bool, found without the recommender
    WEEK = "week"  # int, weeks since the shop's start, 0 is the first
    EVENT = "event"  # category: view, cart, purchase; rating, return
    SESSION = "session_id"  # int64, one visit to the shop; says nothing of who came
    CHANNEL = "channel"  # category: app, web, store
    DEVICE = "device_id"  # int64, an app's installation or a browser's cookie; -1 in a store
    CAMPAIGN = "campaign"  # str id
    COUPON = "coupon"  # bool, whether the shopper got the campaign's coupon
    PROPENSITY = "propensity"  # float, chance of what was done: a coupon given, a product shown
    STARS = "stars"  # int8, 1..5; 0 where none were given
    SEARCH = "search_id"  # int64, one use of the search box
    QUERY = "query_id"  # int32, row of the frame of queries
    TEXT = "text"  # str, what was typed
    LANGUAGE = "language"  # "zh" or "en", in which a shopper uses the shop
    SLATE = "slate_id"  # int64, one view of the front page
    POLICY = "policy"  # str, by which rule products were shown in this order
    SLATE_PROPENSITY = "slate_propensity"  # float, chance under that rule of the whole slate in this order
    CLICK = "clicked"  # bool


EVENT_COLUMNS = (Columns.USER, Columns.ITEM, Columns.TIME, Columns.BASKET)
ITEM_COLUMNS = (
    Columns.ITEM, Columns.CODE, Columns.TITLE_ZH, Columns.TITLE_EN, Columns.DEPARTMENT, Columns.DEPARTMENT_ZH,
    Columns.DEPARTMENT_EN, Columns.TYPE, Columns.TYPE_ZH, Columns.TYPE_EN, Columns.BRAND, Columns.PRICE,
    Columns.EMOJI, Columns.COLOUR,
)  # fmt: skip
