"""What columns are usually called, in English and Chinese: the first hint at what they hold."""

from __future__ import annotations

import functools
import re
import unicodedata

REQUIRED = ("user", "item", "time")
ROLES = (*REQUIRED, "clock", "event", "basket", "title", "category", "brand", "price", "quantity", "rating")

# By role, the whole name with case, spaces and signs left out. The first entries are the plainest.
USUAL = {
    "user": (
        "userid", "user", "customerid", "customer", "visitorid", "shopperid", "shopper", "memberid", "member",
        "buyer", "buyerid", "clientid", "householdid", "accountid", "reviewerid", "uid", "custid", "userno",
        "customerno",
        "visitor", "用户id", "用户", "用户编号", "用户号", "用户名", "客户id", "客户", "客户编号", "客户号",
        "会员id", "会员", "会员编号", "会员号", "会员卡号", "顾客", "顾客id", "顾客编号", "买家", "买家id",
        "买家昵称", "买家会员名", "会员名", "会员手机", "会员手机号", "手机号", "手机号码", "openid", "unionid",
        "userpseudoid", "anonymousid", "email", "customeremail", "buyeremail", "kundennr", "kundennummer",
        "邮箱",
    ),
    "item": (
        "itemid", "item", "productid", "product", "sku", "skuid", "stockcode", "parentasin", "asin", "movieid",
        "articleid", "goodsid", "spuid", "spu", "itemcode", "productcode", "iid", "itemno", "productno",
        "materialid", "商品id", "商品", "商品编号", "商品编码", "商品号", "商品代码", "商品条码", "产品id", "产品",
        "lineitemsku", "artikelnr", "artikelnummer", "产品编号", "产品编码", "货号", "物品id", "物料编码", "宝贝id",
        "条码", "条形码", "款号", "货品编号",
    ),
    "time": (
        "timestamp", "time", "datetime", "date", "invoicedate", "orderdate", "ordertime", "eventtime",
        "createdat",
        "transactiondate", "transactiontimestamp", "purchasedate", "purchasetime", "ts", "reviewtime",
        "unixreviewtime", "bestelldatum", "datum", "paidat", "createtime", "created", "eventdate",
        "eventtimestamp", "behaviortime", "时间",
        "时间戳", "日期", "下单时间", "下单日期", "订单时间", "订单日期", "购买时间", "购买日期", "付款时间",
        "支付时间", "交易时间", "交易日期", "创建时间", "订单创建时间", "订单付款时间", "行为时间", "成交时间",
        "消费时间", "销售日期", "销售时间",
    ),
    "event": (
        "event", "eventtype", "eventname", "behavior", "behaviour", "behaviortype", "behaviourtype", "action",
        "actiontype", "type", "行为", "行为类型", "事件", "事件类型", "操作类型",
    ),
    "basket": (
        "basketid", "basket", "invoiceno", "invoice", "invoiceid", "orderid", "order", "orderno",
        "ordernumber",
        "transactionid", "transaction", "receiptid", "receiptno", "cartid", "订单id", "订单",
        "订单号", "订单编号", "单号", "交易号", "交易编号", "发票号", "小票号", "购物篮",
    ),
    "title": (
        "title", "itemname", "productname", "description", "name", "producttitle", "itemtitle", "movietitle",
        "goodsname", "lineitemname", "bezeichnung", "itemdescription", "productdescription", "商品名称", "商品名",
        "商品标题", "产品名称", "产品名",
        "品名", "名称", "标题", "宝贝标题", "货品名称", "商品描述",
    ),
    "category": (
        "category", "categoryid", "categories", "maincategory", "productcategory", "genre", "genres",
        "department",
        "producttype", "categoryname", "categorycode", "cat", "catid", "类目", "类别", "类目id", "品类", "分类",
        "商品类目", "商品类别", "商品分类", "类目名称", "一级类目", "品类名称",
    ),
    "brand": (
        "brand", "brandname", "brandid", "store", "manufacturer", "品牌", "品牌名", "品牌名称", "品牌id", "店铺",
    ),
    "price": (
        "price", "unitprice", "lineitemprice", "preis", "saleprice", "itemprice", "sellingprice", "unitcost",
        "单价", "价格", "售价", "成交价",
        "商品价格", "销售单价", "商品单价", "标价",
    ),
    "quantity": (
        "quantity", "qty", "lineitemquantity", "menge", "count", "units", "amount", "num", "数量", "购买数量", "件数",
        "销量", "商品数量",
        "销售数量",
    ),
    "rating": (
        "rating", "ratings", "score", "stars", "overall", "评分", "星级", "打分", "评价分数",
    ),
}  # fmt: skip
# Names that say what a column is not, whatever its end: a birthday is no time of an event, a customer's name no title.
# A session is not a basket: what is viewed in it has an order.
PERSON = (
    "customer|user|buyer|client|member|contact|ship|bill|receiver|recipient|seller|vendor|supplier|company|first|last|"
    "full|sales|staff|employee|cashier|file|event|campaign|coupon|promo|payment|status|"
    "客户|顾客|会员|买家|卖家|用户|收货|收件|联系|姓名|商家|供应商|店铺|门店|店员|支付|优惠|活动"
)
NEVER = {
    "time": re.compile(
        "birth|dob|born|expir|valid|release|publish|register|registration|signup|joined|member.?since|first|last|"
        "geburt|生日|出生|到期|有效期|过期|上市|上架|生产|注册|入会|首次|最后"
    ),
    "title": re.compile(PERSON),
    "category": re.compile(PERSON),
    "brand": re.compile(PERSON.replace("|店铺", "")),
    "item": re.compile("orderitem|orderline|lineitem|row|明细"),
}
# Times of the same order that are not when it was placed: asked, unless a better column is there.
LATER = re.compile(
    "ship|deliver|dispatch|updat|modif|refund|return|cancel|clos|due|发货|收货|送达|更新|退款|关闭|取消|完成"
)
TYPED = re.compile(r":(?:token|float)(?:_seq)?$")  # RecBole's atomic files name each column's type
_BY_NAME = {name: (role, rank) for role, names in USUAL.items() for rank, name in enumerate(names)}


def plain(name: str) -> str:
    """A name without case, width, spaces and signs.

    >>> plain("Customer ID"), plain("用户_ID")
    ('customerid', '用户id')
    """
    folded = TYPED.sub("", unicodedata.normalize("NFKC", name).casefold())
    return re.sub(r"[\W_]+", "", folded)


@functools.lru_cache(maxsize=4096)
def role_of_name(name: str) -> tuple[str, float] | None:
    """The role that a column's name tells and how surely, 0 to 1; None where the name says nothing.

    >>> role_of_name("下单时间")[0], role_of_name("Country")
    ('time', None)
    """
    key = plain(name)
    found: tuple[str, float] | None = None
    if key in _BY_NAME:
        role, rank = _BY_NAME[key]
        found = role, 0.98 - 0.002 * rank
    else:
        for usual, (role, rank) in _BY_NAME.items():
            least = 2 if not usual.isascii() else 4 if role == "time" else 6
            if len(usual) >= least and key.endswith(usual) and len(key) <= len(usual) + 12:
                found = role, 0.7 - 0.002 * rank
                break
    if found is None and "." in name:  # a record within a record: the last part names the value
        inner = role_of_name(name.rpartition(".")[2])
        found = (inner[0], inner[1] - 0.05) if inner else None
    if found is None or (key not in _BY_NAME and found[0] in NEVER and NEVER[found[0]].search(key)):
        return None
    later = found[0] == "time" and LATER.search(key)
    return (found[0], 0.5) if later else found


def is_no_time(name: str) -> bool:
    """Whether a column's name says that its days are no moments of an event, such as birthdays."""
    return NEVER["time"].search(plain(name)) is not None
