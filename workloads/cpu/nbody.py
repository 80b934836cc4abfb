"""Move five bodies under gravity: floating-point arithmetic and attribute access in pure Python.

Holds the GIL all the time. Each float is a new object, so the allocator is busy, and on a free-threaded build
each thread has its own. The steps use +, -, *, / and a square root, which IEEE 754 rounds alike everywhere;
the checksum is the energy in millionths, which must also be kept. Unit: runs of 10 steps. Source: "n-body" of
the Computer Language Benchmarks Game and of pyperformance; here with a system of its own.
"""

from math import sqrt

WORKLOAD = {
    "driver": "parallel",
    "unit": "runs",
    "parameters": {"steps": 10},
    "checksum": "-6529868 415199556",
}


class Body(object):
    """Mass, place and speed."""

    def __init__(self, mass, x, y, z, vx, vy, vz):
        self.mass = mass
        self.x, self.y, self.z = x, y, z
        self.vx, self.vy, self.vz = vx, vy, vz


def prepare(parameters):
    return parameters["steps"]


def bodies():
    """A heavy body and four light ones on nearly circular orbits around it; the constant of gravity is 1."""
    found = [Body(100.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)]
    for number in range(1, 5):
        distance = 4.0 * number * number
        found.append(Body(0.25 * number, distance, 0.0, 0.5 * number, 0.0, 10.0 / (2.0 * number), 0.0))
    return found


def advance(pairs, system, step):
    for a, b in pairs:
        dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
        square = dx * dx + dy * dy + dz * dz
        pull = step / (square * sqrt(square))
        a.vx -= dx * b.mass * pull
        a.vy -= dy * b.mass * pull
        a.vz -= dz * b.mass * pull
        b.vx += dx * a.mass * pull
        b.vy += dy * a.mass * pull
        b.vz += dz * a.mass * pull
    for body in system:
        body.x += step * body.vx
        body.y += step * body.vy
        body.z += step * body.vz


def energy(pairs, system):
    total = 0.0
    for body in system:
        total += 0.5 * body.mass * (body.vx * body.vx + body.vy * body.vy + body.vz * body.vz)
    for a, b in pairs:
        dx, dy, dz = a.x - b.x, a.y - b.y, a.z - b.z
        total -= a.mass * b.mass / sqrt(dx * dx + dy * dy + dz * dz)
    return total


def operation(steps):
    system = bodies()
    pairs = [(a, b) for i, a in enumerate(system) for b in system[i + 1 :]]
    step = 0.01 / steps
    for _ in range(steps):
        advance(pairs, system, step)
    place = sum(number * (body.x + body.y + body.z) for number, body in enumerate(system))
    return "%d %d" % (energy(pairs, system) * 1e6, place * 1e6)
