"""What shoppers do around their purchases: visits, views and carts, in three channels, not always logged in.

The purchases are those of simulate(), at the same second and in the same order. Around them:

    purchase visit   purchases less than SAME_VISIT apart, in one channel. Online the products considered are viewed
                     before each purchase, the bought one among them, which then goes into the cart. A store sees
                     the purchase alone.
    research visit   with chance ``research`` a purchase has an earlier online visit that considered its type
    browsing visit   ``browsing`` of them on average for each purchase visit, on types of the shopper's present
                     interest or (``wander``) of any, by season

Considering a type means looking at a geometric number of its products, drawn without replacement by the shopper's own
choice probabilities (``within_type``; by the Gumbel top-k trick, Kool, van Hoof & Welling, ICML 2019). A product looked
at and not bought then goes into the cart with chance ``cart``, and stays there.

A visitor who is not logged in is known by a device id only; one who buys may log in at the checkout, and is known from
then on. The web's device id is a cookie, now and then a new one. A store knows who shows a card, and nothing of others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from course_lib.data.columns import Columns
from course_lib.shop import world as rules
from course_lib.shop.parts import BEHAVIOUR, flat, interest_types, labels, whole_blocks
from course_lib.shop.simulate import DAY, Block, draw
from course_lib.shop.world import Floats, Ints, World

EVENTS = ("view", "cart", "purchase")
CHANNELS = ("app", "web", "store")
INTENTS = ("purchase", "research", "browse")
VIEW, CART, PURCHASE = range(3)
APP, WEB, STORE = range(3)
SAME_VISIT = 480  # seconds; the simulator puts the purchases of one visit 86 to 432 seconds apart
MOST_SESSIONS = 2**20  # of one block


@dataclass(frozen=True)
class Sessions:
    """``J`` visits, the truth included."""

    shopper: Ints  # (J,) within the block
    channel: Ints  # (J,) index of CHANNELS
    intent: Ints  # (J,) index of INTENTS
    start: Ints  # (J,) second since the shop's start at which the visit begins, or its first purchase
    id: Ints  # (J,)
    device: Ints  # (J,) -1 in a store
    known: NDArray[np.bool_]  # (J,) logged in, or a card, from the start
    checkout: NDArray[np.bool_]  # (J,) logs in when buying, if not known by then


@dataclass(frozen=True)
class Looks:
    """``L`` times that a type was considered, and which products were (``W`` products a type)."""

    session: Ints  # (L,)
    type: Ints  # (L,)
    bought: Ints  # (L,) 0-based product, -1 where nothing was bought
    number: Ints  # (L,) of the purchase within the history, -1 where nothing was bought
    chance: Floats  # (L, W) the shopper's choice probabilities within the type
    seen: NDArray[np.bool_]  # (L, W)


@dataclass(frozen=True)
class Events:
    """``E`` events, ordered by nothing yet."""

    session: Ints  # (E,)
    kind: NDArray[np.int8]  # (E,) index of EVENTS
    item: Ints  # (E,) 0-based
    second: Ints  # (E,) since the shop's start
    known: NDArray[np.bool_]  # (E,) whether the shop knows who it is


@dataclass(frozen=True)
class Visits:
    """All that happened in one block, the truth included; ``wanted`` shoppers of it were asked for."""

    first: int
    wanted: int
    sessions: Sessions
    looks: Looks
    events: Events

    def frame(self, world: World) -> pd.DataFrame:
        """What the shop sees: SESSION, TIME, EVENT, ITEM, CHANNEL, USER (-1 if unknown), DEVICE; by time.

        Neither ids nor the order of rows tell who an unknown visitor is.
        """
        sessions, events = self.sessions, self.events
        kept = np.flatnonzero(sessions.shopper[events.session] < self.wanted)
        session = events.session[kept]
        # Of one session at one second: view before cart before purchase.
        order = np.lexsort((events.kind[kept], sessions.id[session], events.second[kept]))
        kept, session = kept[order], session[order]
        start = int(pd.Timestamp(world.parameters["shopper.start_date"]).timestamp())
        return pd.DataFrame(
            {
                Columns.SESSION: sessions.id[session],
                Columns.TIME: start + events.second[kept],
                Columns.EVENT: labels(events.kind[kept], EVENTS),
                Columns.ITEM: (events.item[kept] + 1).astype(np.int32),
                Columns.CHANNEL: labels(sessions.channel[session], CHANNELS),
                Columns.USER: np.where(events.known[kept], sessions.shopper[session] + self.first, -1).astype(np.int32),
                Columns.DEVICE: sessions.device[session],
            }
        )


def visits(world: World, shoppers: int, seed: int | None = None) -> Iterator[Visits]:
    """What ``shoppers`` did, block by block; ``seed`` defaults to the shop's own."""
    for block, rng in whole_blocks(world, BEHAVIOUR, shoppers, seed):
        key = world.parameters["seed"] if seed is None else seed
        yield _block_visits(world, block, rng, key, min(shoppers - block.first, len(block.length)))


def behaviour_blocks(world: World, shoppers: int, seed: int | None = None) -> Iterator[pd.DataFrame]:
    """The frames of :meth:`Visits.frame`, one a block, each ordered by time."""
    for part in visits(world, shoppers, seed):
        yield part.frame(world)


def behaviour_frame(world: World, shoppers: int, seed: int | None = None) -> pd.DataFrame:
    """All of them as one frame, ordered by time."""
    everything = pd.concat(behaviour_blocks(world, shoppers, seed), ignore_index=True)
    order = np.lexsort((everything[Columns.SESSION], everything[Columns.TIME]))  # stable within a session
    return everything.iloc[order].reset_index(drop=True)


def _block_visits(world: World, block: Block, rng: np.random.Generator, seed: int, wanted: int) -> Visits:
    """One block, in the order: when the visits are, by which channel and as whom, what is considered, the events."""
    shopper, number = flat(block)
    item = block.items[shopper, number].astype(np.int64)
    second = np.round(block.days[shopper, number].astype(np.float64) * DAY).astype(np.int64)
    types = world.catalogue.type[item].astype(np.int64)
    wait = np.where(number == 0, second, np.diff(second, prepend=0))  # since the purchase before, or the shop's start
    begins = (number == 0) | (wait >= SAME_VISIT)
    visit = np.cumsum(begins) - 1  # (P,) the purchases' sessions come first
    research = _research(world, rng, shopper, second)
    browse, topics = _browsing(world, rng, block, shopper[begins])

    who = np.concatenate([shopper[begins], shopper[research[0]], browse[0]])
    intent = np.repeat(np.arange(3), [begins.sum(), len(research[0]), len(browse[0])])
    start = np.concatenate([second[begins], research[1], browse[1]])
    sessions = _sessions(world, rng, block, who, intent, start, seed)

    before = int(begins.sum())  # sessions before the research visits
    between = before + len(research[0])
    nothing = np.full(len(research[0]) + len(topics[0]), -1)
    looks = _looks(
        world,
        rng,
        rules.within_type(rules.item_logits(block.truth.taste, block.truth.budget, world), world),
        who,
        session=np.concatenate([visit, np.arange(before, between), topics[0] + between]),
        types=np.concatenate([types, types[research[0]], topics[1]]),
        bought=np.concatenate([item, nothing]),
        number=np.concatenate([number, nothing]),
    )
    return Visits(block.first, wanted, sessions, looks, _events(world, rng, sessions, looks, second, wait))


def _research(world: World, rng: np.random.Generator, shopper: Ints, second: Ints) -> tuple[Ints, Ints]:
    """(R,) purchases with an earlier visit, and (R,) its second; none before the shop's start."""
    numbers = world.parameters.numbers["behaviour"]
    earlier = second - (rng.exponential(numbers["research_days"], len(shopper)) * DAY).astype(np.int64)
    chosen = np.flatnonzero((rng.random(len(shopper)) < numbers["research"]) & (earlier >= 0))
    return chosen, earlier[chosen]


def _browsing(
    world: World, rng: np.random.Generator, block: Block, visitor: Ints
) -> tuple[tuple[Ints, Ints], tuple[Ints, Ints]]:
    """Visits without a purchase, at any time of the recorded life.

    Returns ((B,) shopper, (B,) second) of the visits, and ((T,) visit, (T,) type) of what they consider.
    """
    numbers = world.parameters.numbers["behaviour"]
    N, (buyer, number) = len(block.length), flat(block)
    who = np.repeat(np.arange(N), rng.poisson(numbers["browsing"] * np.bincount(visitor, minlength=N)))
    first, last = block.days[:, 0], block.days[np.arange(N), block.length - 1]
    days = (first[who] + rng.random(len(who)) * (last - first)[who]).astype(np.float32)
    far = 1e6  # days; shoppers one after another on one line, so that one search finds everybody's next purchase
    begins = np.cumsum(block.length) - block.length
    upcoming = np.searchsorted(buyer * far + block.days[buyer, number], who * far + days, side="right") - begins[who]
    interest = block.truth.interest[who, np.minimum(upcoming, block.length[who] - 1)].astype(np.int64)
    visit = np.repeat(np.arange(len(who)), rng.geometric(1.0 / numbers["topics"], len(who)))
    wanders = rng.random(len(visit)) < numbers["wander"]
    row = np.where(wanders, rules.month_of(days, world)[visit], 12 + interest[visit])
    types = _draw_from_rows(rng, np.concatenate([world.demand, interest_types(world)]), row)
    return (who, np.round(days.astype(np.float64) * DAY).astype(np.int64)), (visit, types)


def _draw_from_rows(rng: np.random.Generator, table: Floats, row: Ints) -> Ints:
    """(n,) index drawn from row ``row[n]`` of a table of distributions."""
    cumulative = np.cumsum(table, axis=1, dtype=np.float64)
    line = (cumulative / cumulative[:, -1:] + np.arange(len(table))[:, None]).ravel()  # rows one after another
    found: Ints = np.searchsorted(line, row + rng.random(len(row)), side="right") - row * table.shape[1]
    found = np.minimum(found, table.shape[1] - 1)
    return found


def _sessions(
    world: World, rng: np.random.Generator, block: Block, who: Ints, intent: Ints, start: Ints, seed: int
) -> Sessions:
    """Channel, device and login of each visit. Visits without a purchase are seen online only."""
    numbers, N, J = world.parameters.numbers["behaviour"], len(block.length), len(who)
    share = np.array([numbers[name] for name in CHANNELS])
    liking = rng.gamma(numbers["channel_habit"] * share, size=(N, 3)) + 1e-9  # normalised: a Dirichlet draw
    weights = liking[who]
    weights[intent > 0, STORE] = 0.0
    channel = draw(rng, weights)
    mean = np.array([numbers["login_app"], numbers["login_web"], numbers["card"]])
    habit = numbers["login_habit"]
    login = rng.beta(habit * mean, habit * (1 - mean), size=(N, 3))
    known = rng.random(J) < login[who, channel]
    checkout = rng.random(J) < numbers["checkout_login"]
    # A shopper's cookies in order of time: each reset begins the next one.
    reset = (channel == WEB) & (rng.random(J) < numbers["cookie_reset"])
    order = np.lexsort((start, who))
    began = np.searchsorted(who[order], np.arange(N))  # every shopper has a visit: six purchases at least
    cookie = np.empty(J, np.int64)
    cookie[order] = np.cumsum(reset[order])  # through all shoppers: ids need only differ
    place = np.empty(J, np.int64)
    place[order] = np.arange(J) - began[who[order]]
    person = (who + block.first) * MOST_SESSIONS
    device = _opaque(person + np.where(channel == WEB, 1 + cookie, 0), seed, 1)
    return Sessions(
        who,
        channel,
        intent,
        start,
        _opaque(person + place, seed, 2),
        np.where(channel == STORE, -1, device),
        known,
        checkout & (channel != STORE),
    )


def _opaque(keys: Ints, seed: int, kind: int) -> Ints:
    """Numbers 0 .. 2^63 - 1 that tell nothing of ``keys`` by their size or order (splitmix64; Steele et al. 2014)."""
    mask = 2**64 - 1
    with np.errstate(over="ignore"):
        z = keys.astype(np.uint64) + np.uint64((seed * 4 + kind) * 0x9E3779B97F4A7C15 & mask)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(1)).astype(np.int64)


def _looks(
    world: World,
    rng: np.random.Generator,
    chances: Floats,
    who: Ints,
    session: Ints,
    types: Ints,
    bought: Ints,
    number: Ints,
) -> Looks:
    """Which products are considered: a product bought is always among them."""
    L, W = len(session), world.parameters["catalogue.products_per_type"]
    first = world.first_item[types]
    chance = chances[who[session][:, None], first[:, None] + np.arange(W)[None]]
    count = rng.geometric(1.0 / world.parameters["behaviour.views"], L)
    keys = np.log(np.maximum(chance, 1e-30)) + rng.gumbel(size=(L, W)).astype(np.float32)
    buys = np.flatnonzero(bought >= 0)
    keys[buys, bought[buys] - first[buys]] = np.inf
    ranked = np.argsort(-keys, axis=1)
    seen = np.zeros((L, W), bool)
    np.put_along_axis(seen, ranked, np.arange(W)[None] < count[:, None], axis=1)
    return Looks(session, types, bought, number, chance, seen)


def _events(
    world: World, rng: np.random.Generator, sessions: Sessions, looks: Looks, second: Ints, wait: Ints
) -> Events:
    """Views at random times before the purchase or after the visit's start, carts after them, and purchases."""
    numbers = world.parameters.numbers["behaviour"]
    P, L = len(second), len(looks.session)
    took = looks.seen.sum(1) * rng.exponential(numbers["dwell"], L)  # seconds
    # Before a purchase there is no more time than since the one before.
    took[:P] = np.minimum(took[:P], 0.9 * wait)
    end = np.empty(L)
    end[:P] = second
    if L > P:  # one topic after another
        total = np.cumsum(took[P:])
        opens = np.flatnonzero(np.diff(looks.session[P:], prepend=-1))
        before = (total - took[P:])[opens]
        topic = np.repeat(np.arange(len(opens)), np.diff(opens, append=L - P))
        end[P:] = sessions.start[looks.session[P:]] + total - before[topic]
    online = sessions.channel[looks.session] != STORE
    look, place = np.nonzero(looks.seen & online[:, None])
    item = world.first_item[looks.type[look]] + place
    share = 0.9 * rng.random(len(look))
    chosen = item == looks.bought[look]
    cart = chosen | (rng.random(len(look)) < numbers["cart"])
    share_cart = np.where(chosen, 0.95, share + (0.9 - share) * rng.random(len(look)))

    begin = end - took
    seen_at = np.floor(begin[look] + share * took[look]).astype(np.int64)
    cart_at = np.floor(begin[look] + share_cart * took[look]).astype(np.int64)
    session = np.concatenate([looks.session[look], looks.session[look[cart]], looks.session[:P]])
    kind = np.repeat(np.array([VIEW, CART, PURCHASE], np.int8), [len(look), int(cart.sum()), P])
    when = np.concatenate([seen_at, cart_at[cart], second])
    # Known from the start, or from the moment when the first product bought goes into the cart.
    login = np.full(len(sessions.id), np.iinfo(np.int64).max)
    np.minimum.at(login, looks.session[look[chosen]], cart_at[chosen])
    after = (when > login[session]) | ((when == login[session]) & (kind != VIEW))
    known = sessions.known[session] | (sessions.checkout[session] & after)
    return Events(session, kind, np.concatenate([item, item[cart], looks.bought[:P]]), when, known)
