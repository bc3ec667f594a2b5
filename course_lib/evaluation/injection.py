"""Fake accounts that push a product into other people's lists, and defences that look at accounts alone.

    bandwagon  a bestseller, the product, a bestseller, the product, ...: many pairs with what many people buy
    copied     a real shopper's history with the product put in after a few of its purchases: hard to tell from one

Pushing a product so is a shilling attack (Lam & Riedl, Shilling Recommender Systems for Fun and Profit, WWW 2004), the
first kind a bandwagon attack (Mobasher, Burke, Bhaumik & Williams, Toward Trustworthy Recommender Systems, ACM TOIT
2007). A defence drops accounts before a model learns:

    repeats    of whose purchases more than ``strictness`` are of one product
    surge      new ones that bought a product which new accounts buy surprisingly often: by more than 1 / strictness
               standard deviations of its share among the older ones

Each is right about some fakes, and wrong about some shoppers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Histories

LENGTH = 10  # purchases of a fake account
PUT_IN = 3  # times that the product is put into a copied history
NEW = 0.1  # share of the accounts, the latest to come, that count as new
FEWEST = 5  # new accounts that have to have bought a product before it can be surprising
Flags = NDArray[np.bool_]


def fake_accounts(train: Histories, product: int, style: str, count: int, rng: np.random.Generator) -> Histories:
    """``count`` histories that push ``product``; the first of a larger number are those of a smaller one."""
    sales = np.bincount(train.items, minlength=product + 1).astype(np.float64)
    sales[[0, product]] = 0
    best = np.argsort(-sales, kind="stable")[:100]
    able = np.flatnonzero(train.lengths >= 2)
    found: list[list[int]] = []
    for _ in range(count):
        if style == "bandwagon":
            fillers = rng.choice(best, LENGTH // 2, p=sales[best] / sales[best].sum())
            found.append([one for filler in fillers for one in (int(filler), product)])
            continue
        own = train[int(able[rng.integers(len(able))])][-(LENGTH - PUT_IN) :].tolist()
        places = set(rng.permutation(len(own))[:PUT_IN].tolist())
        found.append([one for n, item in enumerate(own) for one in ([item, product] if n in places else [item])])
    return Histories.from_lists(found)


def joined(ours: Histories, more: Histories) -> Histories:
    """Both, in that order."""
    offsets = np.concatenate([ours.offsets, ours.offsets[-1] + more.offsets[1:]])
    return Histories(np.concatenate([ours.items, more.items]), offsets)


def dropped(accounts: Histories, came: NDArray[np.float64], defence: str, strictness: float) -> Flags:
    """(N,) whom a defence drops; ``came`` (N,) says when each account first bought."""
    if defence == "repeats":
        return repeats(accounts) > strictness
    if defence == "surge":
        return surges(accounts, came, 1 / max(strictness, 1e-9))
    return np.zeros(len(accounts), bool)


def repeats(accounts: Histories) -> NDArray[np.float64]:
    """(N,) the largest share that one product has of an account's purchases; 0 for fewer than three purchases."""
    owner = np.repeat(np.arange(len(accounts)), accounts.lengths)
    pairs, counts = np.unique(np.stack([owner, accounts.items]), axis=1, return_counts=True)
    most = np.zeros(len(accounts))
    np.maximum.at(most, pairs[0], counts)
    found: NDArray[np.float64] = np.where(accounts.lengths >= 3, most / np.maximum(accounts.lengths, 1), 0.0)
    return found


def surges(accounts: Histories, came: NDArray[np.float64], deviations: float) -> Flags:
    """(N,) new accounts that bought a product whose share of buyers among new ones is that surprising."""
    N = len(accounts)
    order = np.argsort(came, kind="stable")
    new = np.zeros(N, bool)
    new[order[N - max(int(NEW * N), 1) :]] = True
    owner = np.repeat(np.arange(N), accounts.lengths)
    who, what = np.unique(np.stack([owner, accounts.items]), axis=1)
    size = int(accounts.items.max(initial=0)) + 1
    young, old = (np.bincount(what[new[who] == side], minlength=size) for side in (True, False))
    n, m = int(new.sum()), max(N - int(new.sum()), 1)
    share = (old + 1) / (m + 2)  # among the older ones
    surprise = (young / n - share) / np.sqrt(share * (1 - share) / n)
    odd = (surprise > deviations) & (young >= FEWEST)
    found = np.zeros(N, bool)
    found[who[odd[what] & new[who]]] = True
    return found
