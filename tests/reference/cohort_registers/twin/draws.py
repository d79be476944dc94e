"""The streams of draws, number for number."""

import math

from sandkasse.core import rng


class Draws:
    """The stream of one person and purpose."""

    def __init__(self, seed, person, purpose):
        self.seed, self.person, self.purpose = seed, person, purpose
        self.block, self.left = 0, []

    def uniform(self):
        if not self.left:
            low = 0xFFFFFFFF
            drawn = rng.philox4x32.py_func(
                *(
                    rng.np.uint64(x)
                    for x in (
                        self.person & low,
                        self.person >> 32,
                        self.purpose,
                        self.block,
                        self.seed & low,
                        self.seed >> 32,
                    )
                )
            )
            self.left = [int(x) for x in drawn]
            self.block += 1
        return (self.left.pop(0) + 0.5) / 2**32

    def normal(self):
        radius = math.sqrt(-2.0 * math.log(self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

    def exponential(self):
        return -math.log(self.uniform())

    def poisson(self, mean):
        if mean <= 0.0:
            return 0
        left, chance, count = self.uniform(), math.exp(-mean), 0
        while left > chance and count < 100:
            left -= chance
            count += 1
            chance *= mean / count
        return count

    def choose(self, weights):
        u, total, so_far = self.uniform(), 0.0, []
        for weight in weights:
            total += weight
            so_far.append(total)
        for row, share in enumerate(so_far[:-1]):
            if u < share / total:
                return row
        return len(weights) - 1
