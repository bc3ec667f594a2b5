"""What columns are usually called, in English and Chinese: the first hint at what they hold."""

from __future__ import annotations

import re
import unicodedata

REQUIRED = ("user", "item", "time")
ROLES = (*REQUIRED, "event", "basket", "title", "category", "brand", "price", "quantity", "rating")

# By role, the whole name with case, spaces and signs left out. The first entries are the plainest.
USUAL = {
    "user": (
        "userid", "user", "customerid", "customer", "visitorid", "shopperid", "shopper", "memberid", "member",
        "buyerid", "clientid", "householdid", "accountid", "reviewerid", "uid", "custid", "userno", "customerno",
        "visitor", "用户id", "用户", "用户编号", "用户号", "用户名", "客户id", "客户", "客户编号", "客户号",
        "会员id", "会员", "会员编号", "会员号", "会员卡号", "顾客", "顾客id", "顾客编号", "买家", "买家id",
        "买家昵称", "买家会员名", "会员名", "会员手机", "会员手机号", "手机号", "手机号码", "openid", "unionid",
    ),
    "item": (
        "itemid", "item", "productid", "product", "sku", "skuid", "stockcode", "parentasin", "asin", "movieid",
        "articleid", "goodsid", "spuid", "spu", "itemcode", "productcode", "iid", "itemno", "productno",
        "materialid", "商品id", "商品", "商品编号", "商品编码", "商品号", "商品代码", "商品条码", "产品id", "产品",
        "产品编号", "产品编码", "货号", "物品id", "物料编码", "宝贝id", "条码", "条形码", "款号", "货品编号",
    ),
    "time": (
        "timestamp", "time", "datetime", "date", "invoicedate", "orderdate", "ordertime", "eventtime", "createdat",
        "transactiondate", "transactiontimestamp", "purchasedate", "purchasetime", "ts", "reviewtime",
        "unixreviewtime", "paidat", "createtime", "created", "eventdate", "eventtimestamp", "behaviortime", "时间",
        "时间戳", "日期", "下单时间", "下单日期", "订单时间", "订单日期", "购买时间", "购买日期", "付款时间",
        "支付时间", "交易时间", "交易日期", "创建时间", "订单创建时间", "订单付款时间", "行为时间", "成交时间",
        "消费时间", "销售日期", "销售时间",
    ),
    "event": (
        "event", "eventtype", "behavior", "behaviour", "behaviortype", "behaviourtype", "action", "actiontype",
        "type", "行为", "行为类型", "事件", "事件类型", "操作类型",
    ),
    "basket": (
        "basketid", "basket", "invoiceno", "invoice", "invoiceid", "orderid", "order", "orderno", "ordernumber",
        "transactionid", "transaction", "receiptid", "receiptno", "sessionid", "session", "cartid", "订单id", "订单",
        "订单号", "订单编号", "单号", "交易号", "交易编号", "发票号", "小票号", "会话id", "购物篮",
    ),
    "title": (
        "title", "itemname", "productname", "description", "name", "producttitle", "itemtitle", "movietitle",
        "goodsname", "itemdescription", "productdescription", "商品名称", "商品名", "商品标题", "产品名称", "产品名",
        "品名", "名称", "标题", "宝贝标题", "货品名称", "商品描述",
    ),
    "category": (
        "category", "categoryid", "categories", "maincategory", "productcategory", "genre", "genres", "department",
        "producttype", "categoryname", "categorycode", "cat", "catid", "类目", "类别", "类目id", "品类", "分类",
        "商品类目", "商品类别", "商品分类", "类目名称", "一级类目", "品类名称",
    ),
    "brand": (
        "brand", "brandname", "brandid", "store", "manufacturer", "品牌", "品牌名", "品牌名称", "品牌id", "店铺",
    ),
    "price": (
        "price", "unitprice", "saleprice", "itemprice", "sellingprice", "unitcost", "单价", "价格", "售价", "成交价",
        "商品价格", "销售单价", "商品单价", "标价",
    ),
    "quantity": (
        "quantity", "qty", "count", "units", "amount", "num", "数量", "购买数量", "件数", "销量", "商品数量",
        "销售数量",
    ),
    "rating": (
        "rating", "ratings", "score", "stars", "overall", "评分", "星级", "打分", "评价分数",
    ),
}  # fmt: skip
_BY_NAME = {name: (role, rank) for role, names in USUAL.items() for rank, name in enumerate(names)}


def plain(name: str) -> str:
    """A name without case, width, spaces and signs.

    >>> plain("Customer ID"), plain("用户_ID")
    ('customerid', '用户id')
    """
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "", folded)


def role_of_name(name: str) -> tuple[str, float] | None:
    """The role that a column's name tells and how surely, 0 to 1; None where the name says nothing.

    >>> role_of_name("下单时间")[0], role_of_name("Country")
    ('time', None)
    """
    key = plain(name)
    if key in _BY_NAME:
        role, rank = _BY_NAME[key]
        return role, 0.98 - 0.002 * rank
    for usual, (role, rank) in _BY_NAME.items():
        if len(usual) >= (2 if not usual.isascii() else 6) and key.endswith(usual) and len(key) <= len(usual) + 12:
            return role, 0.7 - 0.002 * rank
    return None
