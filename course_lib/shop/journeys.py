"""A harder world of visits than the shop's own: shared devices, visits that do not buy what they view, and a login box.

The visits, devices and logins are those of behaviour.py, and so are the purchases. What is changed, each by a number:

    shared     share of households whose two shoppers use one device: in the app as on the web, whoever comes second
               shows the device that the first one last used there. Shopper 2k and shopper 2k + 1 are a household
    astray     chance that what was viewed before a purchase is of another type, one that the shopper viewed once
    prompted   share of visits by nobody known that are asked to log in when they begin, and do

With all three at 0 it is the shop as it is. Nothing here is estimated from a real shop; the numbers are to be varied.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.shop.behaviour import PURCHASE, STORE, VIEW, Visits, visits
from course_lib.shop.world import World

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Journeys:
    """J visits of N shoppers, their P purchases by shopper and time, and the U types that they viewed."""

    people: int  # N
    shopper: Integers  # (J,) the truth
    channel: Integers  # (J,) index of behaviour.CHANNELS
    start: Integers  # (J,) second
    device: Integers  # (J,) 0, 1, ..., -1 in a store
    known: NDArray[np.bool_]  # (J,) logged in, or a card, from the start
    bought_in: Integers  # (P,) visit
    item: NDArray[np.int32]  # (P,) product id, 1-based
    second: Integers  # (P,)
    viewed_in: Integers  # (U,) visit, online ones only
    type: Integers  # (U,)
    viewed: Integers  # (U,) second of the first view of that type in that visit since the purchase before

    @property
    def buyer(self) -> Integers:
        """(P,) the shopper of each purchase."""
        return self.shopper[self.bought_in]


def journeys(
    world: World, people: int, shared: float = 0.0, astray: float = 0.0, prompted: float = 0.0, seed: int = 1
) -> Journeys:
    """The visits of the shop's first ``people`` shoppers; ``seed`` draws what is harder, not the visits."""
    parts = list(visits(world, people))
    first = np.cumsum([0, *(len(part.sessions.id) for part in parts)])

    def joined(name: str) -> Integers:
        return np.concatenate([getattr(part.sessions, name) for part in parts])

    shopper = np.concatenate([part.sessions.shopper + part.first for part in parts]).astype(np.int64)
    channel, start, own, known = joined("channel"), joined("start"), joined("device"), joined("known").astype(bool)
    rng = np.random.default_rng([seed, 41])
    homes = rng.random(people // 2 + 1) < shared
    asked = rng.random(len(shopper)) < prompted
    known = known | (asked & (channel != STORE))
    device = _shared_devices(shopper, channel, start, own, homes)
    buys = [_events(part, PURCHASE, begin) for part, begin in zip(parts, first, strict=False)]
    bought_in, item, second = (np.concatenate(column) for column in zip(*buys, strict=True))
    order = np.lexsort((second, shopper[bought_in]))
    order = order[shopper[bought_in[order]] < people]
    views = [_events(part, VIEW, begin) for part, begin in zip(parts, first, strict=False)]
    looked = _views(world, [np.concatenate(column) for column in zip(*views, strict=True)], (bought_in, second))
    looked = _astray(looked, shopper, (bought_in, second), astray, rng)
    kept = shopper[looked[0]] < people
    return Journeys(
        people, shopper, channel.astype(np.int64), start, device, known,
        bought_in[order], (item[order] + 1).astype(np.int32), second[order], *(column[kept] for column in looked),
    )  # fmt: skip


def _events(part: Visits, kind: int, first: int) -> tuple[Integers, Integers, Integers]:
    """Visit, product and second of one kind of events of a block whose visits begin at number ``first``."""
    events = part.events
    some = events.kind == kind
    return events.session[some] + first, events.item[some].astype(np.int64), events.second[some].astype(np.int64)


def _shared_devices(
    shopper: Integers, channel: Integers, start: Integers, own: Integers, homes: NDArray[np.bool_]
) -> Integers:
    """(J,) devices numbered from 0, where the second of a household of ``homes`` uses the first one's."""
    found = own.copy()
    home = shopper // 2
    inside = (channel != STORE) & (home < len(homes)) & homes[np.minimum(home, len(homes) - 1)]
    rows = np.flatnonzero(inside)
    place = home[rows] * 4 + channel[rows]  # a household has one device in the app and one on the web
    order = np.lexsort((start[rows], place))
    rows, place = rows[order], place[order]
    number = np.arange(len(rows))
    leader = np.maximum.accumulate(np.where(shopper[rows] % 2 == 0, number, -1)) if len(rows) else number
    follows = (leader >= 0) & (place[np.maximum(leader, 0)] == place)
    found[rows] = np.where(follows, own[rows[np.maximum(leader, 0)]], own[rows])
    numbered = np.full(len(own), -1, np.int64)
    online = channel != STORE
    numbered[online] = np.unique(found[online], return_inverse=True)[1]
    return numbered


def _views(
    world: World, views: list[Integers], bought: tuple[Integers, Integers]
) -> tuple[Integers, Integers, Integers]:
    """Visit, type and second of the first view of each type since the purchase before it in the same visit."""
    session, item, second = views
    kinds = world.catalogue.type[item].astype(np.int64)
    far = np.int64(2**31)
    ends = np.sort(bought[0] * far + bought[1])
    stage = np.searchsorted(ends, session * far + second)  # purchases before the view: one number a stretch of a visit
    order = np.lexsort((second, kinds, stage, session))
    session, kinds, second, stage = session[order], kinds[order], second[order], stage[order]
    new = np.ones(len(order), bool)
    new[1:] = (session[1:] != session[:-1]) | (kinds[1:] != kinds[:-1]) | (stage[1:] != stage[:-1])
    return session[new], kinds[new], second[new]


def _astray(
    looked: tuple[Integers, Integers, Integers], shopper: Integers, bought: tuple[Integers, Integers], astray: float,
    rng: np.random.Generator,
) -> tuple[Integers, Integers, Integers]:  # fmt: skip
    """The same views, those of some purchase visits of another type that the same shopper viewed at some time."""
    session, kinds, second = looked
    strays = np.zeros(len(shopper), bool)
    strays[np.unique(bought[0])] = True
    strays &= rng.random(len(shopper)) < astray
    who = shopper[session]
    order = np.argsort(who, kind="stable")
    begin = np.searchsorted(who[order], who)
    count = np.searchsorted(who[order], who, side="right") - begin
    other = order[begin + np.floor(rng.random(len(who)) * count).astype(np.int64)]
    return session, np.where(strays[session], kinds[other], kinds), second
