"""How figures are written for people, the same on the command line and in the app."""


def places(value: float | None) -> str | None:
    """Return a score with two places."""
    return None if value is None else f"{value:.2f}"


def mean_and_half(mean: float, low: float | None, high: float | None, sign: str = "", *, digits: int = 2) -> str:
    """Return a mean with half the width of its interval, 4.23±.11; alone where there is no interval.

    Args:
        sign: `+` for a difference. digits: after the point.
    """
    shown = f"{mean:{sign}z.{digits}f}"
    return shown if low is None or high is None else f"{shown}±{f'{(high - low) / 2:.{digits}f}'.removeprefix('0')}"


def p_value(p: float | None) -> str | None:
    """Return a p with three places."""
    if p is None:
        return None
    return "<.001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def two_digits(count: int) -> str:
    """Return an estimated count rounded up to two digits: 1,234 -> "about 1,300"."""
    digits = 10 ** max(0, len(str(count)) - 2)
    return f"about {-(-count // digits) * digits:,}"


def dots(value: float | None, of: int = 5) -> str:
    """Return a value as steps, ●●●○○; halves round up, None gives all of them empty."""
    full = 0 if value is None else min(of, max(0, int(value + 0.5)))
    return "●" * full + "○" * (of - full)
