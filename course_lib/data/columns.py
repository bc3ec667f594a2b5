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
    HOUSEHOLD = "household_id"  # int32, a shopper in Complete Journey's own numbers
    ARTICLE = "article"  # int32, Complete Journey's own product number: many articles are one product here
    CAMPAIGN_KIND = "campaign_kind"  # category: Type A, Type B, Type C
    STARTS = "starts"  # int64, seconds as TIME, the first day at midnight
    ENDS = "ends"  # int64, the last day at midnight
    COUPON_CODE = "coupon_code"  # int64, one kind of coupon
    AGE = "age"  # category, in order, as the next six: what a household says of itself, missing where it does not
    INCOME = "income"
    HOME = "home"
    MARRIED = "married"
    HOUSEHOLD_SIZE = "household_size"
    HOUSEHOLD_KIND = "household_kind"
    KIDS = "kids"
    DISPLAY = "display"  # category, where in the store a product was put up
    MAILER = "mailer"  # category, where in the weekly mailer it was
    COUNT = "count"  # int32, how many rows of the original were put together
    VISITOR_GROUP_0 = "visitor_group_0"  # str, the first of four groups that a visitor of Open Bandit is in; unnamed
    VISITOR_GROUP_1 = "visitor_group_1"
    VISITOR_GROUP_2 = "visitor_group_2"
    VISITOR_GROUP_3 = "visitor_group_3"
    ITEM_NUMBER = "item_number"  # float, a property of a product of Open Bandit; its meaning is not published
    ITEM_GROUP_1 = "item_group_1"  # str, the first of three groups that such a product is in; unnamed
    ITEM_GROUP_2 = "item_group_2"
    ITEM_GROUP_3 = "item_group_3"


EVENT_COLUMNS = (Columns.USER, Columns.ITEM, Columns.TIME, Columns.BASKET)
ITEM_COLUMNS = (
    Columns.ITEM, Columns.CODE, Columns.TITLE_ZH, Columns.TITLE_EN, Columns.DEPARTMENT, Columns.DEPARTMENT_ZH,
    Columns.DEPARTMENT_EN, Columns.TYPE, Columns.TYPE_ZH, Columns.TYPE_EN, Columns.BRAND, Columns.PRICE,
    Columns.EMOJI, Columns.COLOUR,
)  # fmt: skip
