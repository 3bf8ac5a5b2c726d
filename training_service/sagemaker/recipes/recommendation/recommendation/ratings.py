"""What a user will probably think of an item: the mean of all, how kind the user is, how good the item.

The baseline estimates of Koren, Bell and Volinsky 2009: deviations are shrunk, so that one rating says little.
"""

from dataclasses import dataclass, replace

import numpy as np
from recipe.metrics import Floats

from .ids import Codes
from .interactions import Interactions

SHRINKAGE = 10.0


@dataclass(frozen=True, kw_only=True)
class Ratings:
    """The mean of all ratings, and deviations from it by user and by item; 0 for whoever has none."""

    mean: float
    low: float
    high: float
    user: Floats
    item: Floats

    def flat(self) -> "Ratings":
        """Return one who knows nothing but the mean."""
        return replace(self, user=np.zeros_like(self.user), item=np.zeros_like(self.item))

    def expect(self, user: Codes, item: Codes) -> Floats:
        """Return expected ratings, within what was ever given; -1 is a user or an item that nobody knows."""
        kindness = np.where(user >= 0, np.append(self.user, 0.0)[user], 0.0)
        goodness = np.where(item >= 0, np.append(self.item, 0.0)[item], 0.0)
        return np.clip(self.mean + kindness + goodness, self.low, self.high)


def learn_ratings(interactions: Interactions) -> Ratings | None:
    """Return what the ratings say; None where there are none."""
    if interactions.rating is None or np.isnan(interactions.rating).all():
        return None
    rated = ~np.isnan(interactions.rating)
    user, item, rating = interactions.user[rated], interactions.item[rated], interactions.rating[rated]
    mean = float(rating.mean())
    goodness = _shrunken_means(item, rating - mean, len(interactions.items))
    kindness = _shrunken_means(user, rating - mean - goodness[item], len(interactions.users))
    return Ratings(mean=mean, low=float(rating.min()), high=float(rating.max()), user=kindness, item=goodness)


def _shrunken_means(codes: Codes, values: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(codes, values, count) / (np.bincount(codes, minlength=count) + SHRINKAGE))
