"""Whose history a visit is added to, by several ways of knowing who came, and what each way reads wrongly or misses.

    true       every visit is known to be its shopper's
    stitched   who is logged in is known; a guest is who last logged in on the device, else who does so next
    devices    who is logged in is known; a guest is whatever was done by guests on the device, and nobody's account
    known      who is logged in is known; a guest is nobody, each visit anew
    apart      as ``devices``, but each channel keeps customers of its own
    app, web   one channel alone, where every visit is known to be its shopper's; nothing of the others

A guest's link may be wrong: with chance ``wrong`` a device is matched to some other account. A history that is read
before a purchase holds what was bought before under the same key, in the same visit or another. Matching devices to
accounts is a field of its own: Díaz-Morales, Cross-Device Tracking: Matching Devices and Cookies, ICDM Workshops 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from course_lib.data.histories import Histories, Holdout
from course_lib.shop.behaviour import APP, CHANNELS, STORE
from course_lib.shop.journeys import Integers, Journeys

WAYS = ("true", "stitched", "devices", "known", "apart", "app", "web")
FAR = np.int64(2**34)  # above any second, so that one number orders key and time


@dataclass(frozen=True)
class Identity:
    """One way's key of each visit, and of each of the N purchases that are asked for."""

    journeys: Journeys
    key: Integers  # (J,) -1: not kept at all
    targets: Integers  # (N,) rows of the purchases
    asked: Integers  # (N,) the key whose history is read before each
    link: Integers  # (J,) account that a guest is taken for, -1 for none; of ``stitched``

    @classmethod
    def of(cls, journeys: Journeys, way: str, wrong: float, sole: bool, seed: int) -> Identity:
        """The keys of one of WAYS; ``wrong`` and ``sole`` as in :func:`linked`."""
        link = linked(journeys, wrong, sole, seed)
        key = keys(journeys, way, link)
        rows = targets(journeys)
        asked = key[journeys.bought_in[rows]]
        if way in CHANNELS:
            asked = journeys.buyer[rows]
        return cls(journeys, key, rows, asked, link)

    def train(self) -> Histories:
        """What may be learned from: under each key all purchases before their buyer's target, at least two of them."""
        own = self.journeys
        end = np.full(own.people, 0, np.int64)
        end[own.buyer[self.targets]] = own.second[self.targets]
        key = self.key[own.bought_in]
        rows = np.flatnonzero((own.second < end[own.buyer]) & (key >= 0))
        rows = rows[np.lexsort((own.second[rows], key[rows]))]
        lengths = np.unique(key[rows], return_counts=True)[1]
        found = Histories(own.item[rows], np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
        return found.take(np.flatnonzero(found.lengths > 1))

    def read(self) -> tuple[Integers, Integers]:
        """Rows of the purchases that are read before each target, oldest first, and (N + 1,) where each begins."""
        own = self.journeys
        key = self.key[own.bought_in]
        order = np.lexsort((own.second, key))
        line = key[order] * FAR + own.second[order]
        low = np.searchsorted(line, self.asked * FAR)
        high = np.searchsorted(line, self.asked * FAR + own.second[self.targets])
        lengths = high - low
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return order[np.arange(offsets[-1]) + np.repeat(low - offsets[:-1], lengths)], offsets

    def test(self) -> Holdout:
        """Each shopper's target after what is read before it."""
        rows, offsets = self.read()
        own = self.journeys
        users = own.buyer[self.targets].astype(np.int32)
        return Holdout(users, Histories(own.item[rows], offsets), own.item[self.targets])

    def strangers_and_missing(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(N,) purchases of others among those read before each target, and own ones that are not read, as shares.

        A shopper of whom nothing is read has no strangers; one who never bought before misses nothing.
        """
        rows, offsets = self.read()
        own = self.journeys
        buyer = own.buyer[self.targets]
        n = len(self.targets)
        target = np.repeat(np.arange(n), np.diff(offsets))
        mine = np.bincount(target, own.buyer[rows] == buyer[target], n)
        read = np.diff(offsets)
        before = self.targets - np.searchsorted(own.buyer, buyer)  # rows are by shopper and time
        strangers = np.divide(read - mine, read, out=np.zeros(n), where=read > 0)
        return strangers, np.divide(before - mine, before, out=np.zeros(n), where=before > 0)


def targets(journeys: Journeys) -> Integers:
    """(N,) each shopper's last purchase online: a store shows no list. Who never bought there is not asked."""
    online = np.flatnonzero(journeys.channel[journeys.bought_in] != STORE)
    last = np.full(journeys.people, -1, np.int64)
    last[journeys.buyer[online]] = online
    return last[last >= 0]


def keys(journeys: Journeys, way: str, link: Integers) -> Integers:
    """(J,) under which key each visit is kept, one number a shopper, device or visit; -1: not at all."""
    own, N = journeys, journeys.people
    J, devices = len(own.shopper), int(own.device.max(initial=0)) + 1
    visit = 4 * N + devices + np.arange(J)
    guest = np.where(own.device >= 0, 4 * N + own.device, visit)  # a store has no device
    if way == "true":
        return own.shopper
    if way == "stitched":
        return np.where(own.known, own.shopper, np.where(link >= 0, link, guest))
    if way == "devices":
        return np.where(own.known, own.shopper, guest)
    if way == "known":
        return np.where(own.known, own.shopper, visit)
    if way == "apart":
        return np.where(own.known, N + 3 * own.shopper + own.channel, guest)
    return np.where(own.channel == (APP if way == "app" else APP + 1), own.shopper, -1)


def linked(journeys: Journeys, wrong: float, sole: bool, seed: int) -> Integers:
    """(J,) the account that each visit's device stands for at that time, -1 for none and in stores.

    Args:
        journeys: the visits.
        wrong: share of the devices that are matched to another account, drawn once a device.
        sole: link only devices on which no second account has ever logged in.
        seed: of the draw.
    """
    own = journeys
    found = np.full(len(own.shopper), -1, np.int64)
    rows = np.flatnonzero(own.device >= 0)
    rows = rows[np.lexsort((own.start[rows], own.device[rows]))]
    if not len(rows):
        return found
    device, known, number = own.device[rows], own.known[rows], np.arange(len(rows))
    new = np.concatenate([[True], device[1:] != device[:-1]])
    begin = np.maximum.accumulate(np.where(new, number, 0))
    end = np.append(np.flatnonzero(new)[1:], len(rows))[np.cumsum(new) - 1]
    before = np.maximum.accumulate(np.where(known, number, -1))
    after = np.minimum.accumulate(np.where(known, number, len(rows))[::-1])[::-1]
    asked = np.zeros(len(found), bool)
    asked[own.bought_in[targets(own)]] = True  # nobody knows yet who logs in after the moment that is asked about
    taken = np.where(before >= begin, before, np.where((after < end) & ~asked[rows], after, -1))
    account = np.where(taken >= 0, own.shopper[rows[taken]], -1)
    count = int(device.max()) + 1
    rng = np.random.default_rng([seed, 43])
    bad, other = rng.random(count) < wrong, rng.integers(0, own.people, count)
    account = np.where((account >= 0) & bad[device], other[device], account)
    if sole:
        pairs = np.unique(np.stack([device[known], own.shopper[rows[known]]], axis=1), axis=0)
        account = np.where(np.bincount(pairs[:, 0], minlength=count)[device] == 1, account, -1)
    found[rows] = np.where(account < own.people, account, -1)
    return found
